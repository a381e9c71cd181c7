"""A shop that has lived in EC2-Classic for years, and the VPC prepared for it."""

import base64
from dataclasses import dataclass

import boto3

from sandbox.builder import Builder
from sandbox.scenarios._shop_services import APP, OFFICE, database, dns, load_balancer, target
from sandbox.world import World

DESCRIPTION = "a web shop in EC2-Classic with everything a lived-in account has, and an empty VPC for it"

PARTNER = "198.51.100.24/32"
DAY = 86_400
LINUX = "amzn2-ami-hvm-*"
OLD_LINUX = "amzn-ami-pv-*"
WINDOWS = "Windows_Server-2019-*"


@dataclass(frozen=True)
class Groups:
    web: str
    app: str
    left: str
    right: str
    search: str
    ftp: str
    default: str


def build(session: boto3.Session, world: World) -> None:
    """Ends a day later, so that the Elastic IPs may move (aws-facts A3), with every flow up."""
    builder = Builder(session, world)
    groups = _groups(builder)
    _rules(builder, groups)
    builder.call("ec2", "CreateKeyPair", KeyName="shop-ops")
    web = _instances(builder, groups)
    balancer = load_balancer(builder, web)
    endpoint = database(builder, (groups.app, groups.left, groups.right, groups.default))
    address = _external_box(builder, groups)
    dns(builder, balancer, endpoint, address)
    target(builder)
    builder.wait(DAY + 3_600)


def _groups(builder: Builder) -> Groups:
    """Named by people over the years: a VPC would not take all of these names. aws-facts A2"""
    found = builder.call("ec2", "DescribeSecurityGroups", GroupNames=["default"])
    return Groups(
        web=builder.group("web|front-end", "Web servers behind shop-web"),
        app=builder.group("App Servers <prod>", "application servers, ask Kim before changing"),
        left=builder.group("jobs-left", "left half of the job ring"),
        right=builder.group("jobs-right", "right half of the job ring"),
        search=builder.group("search~new?", "Search, the new one (2014)"),
        ftp=builder.group("FTP + bastion", "partner uploads and ssh from the office"),
        default=found["SecurityGroups"][0]["GroupId"],
    )


def _rules(builder: Builder, groups: Groups) -> None:
    builder.let_in_load_balancers(groups.web, 80)
    builder.let_in(groups.web, 9000, groups=[groups.app])  # purges pages, while web calls app
    builder.let_in(groups.app, 8080, groups=[groups.web, groups.right])
    builder.let_in(groups.app, 7946, groups=[groups.app])  # its cluster's gossip
    builder.let_in(groups.left, 7000, groups=[groups.right])
    builder.let_in(groups.right, 7000, groups=[groups.left])
    builder.let_in(groups.search, 9200, groups=[groups.app, groups.left], cidrs=["10.0.0.0/8"])
    builder.let_in(groups.ftp, 21, cidrs=[PARTNER])
    builder.let_in(groups.ftp, 22, cidrs=[OFFICE])
    for group_id in (groups.web, groups.app, groups.left, groups.right, groups.search):
        builder.let_in(group_id, 22, groups=[groups.ftp])
    builder.let_in(groups.default, 3389, cidrs=[OFFICE])


def _instances(builder: Builder, groups: Groups) -> list[str]:
    """All but the external box; returns the web servers."""
    linux, old_linux = builder.image(LINUX), builder.image(OLD_LINUX)
    profile = {"IamInstanceProfile": {"Name": "shop-app"}, "KeyName": "shop-ops"}

    def launch(name: str, group_id: str, zone: str, role: str, **params: object) -> str:
        return builder.launch(
            [name],
            {**APP, "role": role},
            SecurityGroupIds=[group_id],
            Placement={"AvailabilityZone": zone},
            **{"ImageId": linux, "InstanceType": "m3.medium", **profile, **params},
        )[0]

    boot = base64.b64encode(b"#!/bin/sh\nservice httpd start\n").decode()
    web = [
        launch("web-1", groups.web, "us-east-1a", "web", UserData=boot),
        launch("web-2", groups.web, "us-east-1b", "web", UserData=boot),
        launch("web-3", groups.web, "us-east-1a", "web", UserData=boot, ImageId=old_linux),
    ]
    launch("app-1", groups.app, "us-east-1a", "app", Monitoring={"Enabled": True}, InstanceType="c3.large")
    launch("app-2", groups.app, "us-east-1b", "app", InstanceType="c3.large")
    launch("app-3", groups.app, "us-east-1b", "app", InstanceType="c3.large")
    launch("jobs-left", groups.left, "us-east-1a", "jobs", InstanceInitiatedShutdownBehavior="terminate")
    launch("jobs-right", groups.right, "us-east-1b", "jobs")
    data = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 500, "VolumeType": "gp2"}}
    launch(
        "search",
        groups.search,
        "us-east-1a",
        "search",
        InstanceType="r3.large",
        BlockDeviceMappings=[data],
        DisableApiTermination=True,
    )
    launch("reports", groups.default, "us-east-1b", "reports", ImageId=builder.image(WINDOWS))
    builder.wait(120)
    return web


def _external_box(builder: Builder, groups: Groups) -> str:
    """The box that partners and the office know by its Elastic IP; returns that."""
    (box,) = builder.launch(
        ["ftp"],
        {**APP, "role": "ftp"},
        ImageId=builder.image(LINUX),
        InstanceType="m1.small",
        KeyName="shop-ops",
        SecurityGroupIds=[groups.ftp],
        Placement={"AvailabilityZone": "us-east-1a"},
    )
    builder.wait(120)
    address = str(builder.call("ec2", "AllocateAddress", Domain="standard")["PublicIp"])
    builder.call("ec2", "AssociateAddress", InstanceId=box, PublicIp=address)
    return address
