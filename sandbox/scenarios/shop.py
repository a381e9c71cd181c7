"""A shop that has lived in EC2-Classic for years, and the VPC prepared for it."""

import boto3

from sandbox.builder import Builder
from sandbox.scenarios._shop_account import BOOT, LINUX, OLD_LINUX, launch, open_shop, servers, services
from sandbox.world import World

DESCRIPTION = "a web shop in EC2-Classic with everything a lived-in account has, and an empty VPC for it"


def build(session: boto3.Session, world: World) -> None:
    """Ends with every flow up."""
    builder = Builder(session, world)
    groups = open_shop(builder)
    linux, old_linux = builder.image(LINUX), builder.image(OLD_LINUX)
    web = [
        launch(builder, linux, "web-1", groups.web, "us-east-1a", UserData=BOOT),
        launch(builder, linux, "web-2", groups.web, "us-east-1b", UserData=BOOT),
        launch(builder, old_linux, "web-3", groups.web, "us-east-1a", UserData=BOOT),
    ]
    servers(builder, groups, linux)
    services(builder, groups, web)
