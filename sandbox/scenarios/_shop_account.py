"""The shop's account but for its web servers: groups and rules, the other servers, and everything they use."""

import base64
from dataclasses import dataclass

from sandbox.builder import Builder
from sandbox.scenarios._shop_services import APP, OFFICE, database, dns, load_balancer, target

PARTNER = "198.51.100.24/32"
DAY = 86_400
LINUX = "amzn2-ami-hvm-*"
OLD_LINUX = "amzn-ami-pv-*"
WINDOWS = "Windows_Server-2019-*"
KEY = "shop-ops"
PROFILE = "shop-app"
BOOT = base64.b64encode(b"#!/bin/sh\nservice httpd start\n").decode()


@dataclass(frozen=True)
class Groups:
    web: str
    app: str
    left: str
    right: str
    search: str
    ftp: str
    default: str


def open_shop(builder: Builder) -> Groups:
    """Groups, their rules, and the key of those who run the shop."""
    groups = _groups(builder)
    _rules(builder, groups)
    builder.call("ec2", "CreateKeyPair", KeyName=KEY)
    return groups


def launch(builder: Builder, image_id: str, name: str, group_id: str, zone: str, **params: object) -> str:
    """One server as the shop launches them, unless `params` say otherwise; its id. Its role is its name's
    first word."""
    return builder.launch(
        [name],
        {**APP, "role": name.partition("-")[0]},
        SecurityGroupIds=[group_id],
        Placement={"AvailabilityZone": zone},
        **{
            "ImageId": image_id,
            "InstanceType": "m3.medium",
            "IamInstanceProfile": {"Name": PROFILE},
            "KeyName": KEY,
            **params,
        },
    )[0]


def servers(builder: Builder, groups: Groups, linux: str) -> None:
    """All servers but the web servers and the external box."""
    launch(builder, linux, "app-1", groups.app, "us-east-1a", Monitoring={"Enabled": True}, InstanceType="c3.large")
    launch(builder, linux, "app-2", groups.app, "us-east-1b", InstanceType="c3.large")
    launch(builder, linux, "app-3", groups.app, "us-east-1b", InstanceType="c3.large")
    launch(builder, linux, "jobs-left", groups.left, "us-east-1a", InstanceInitiatedShutdownBehavior="terminate")
    launch(builder, linux, "jobs-right", groups.right, "us-east-1b")
    data = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 500, "VolumeType": "gp2"}}
    launch(
        builder,
        linux,
        "search",
        groups.search,
        "us-east-1a",
        InstanceType="r3.large",
        BlockDeviceMappings=[data],
        DisableApiTermination=True,
    )
    launch(builder, builder.image(WINDOWS), "reports", groups.default, "us-east-1b")
    builder.wait(120)


def services(builder: Builder, groups: Groups, web: list[str]) -> None:
    """What the servers stand behind and use, and the VPC to be moved to. Ends a day later, so that the
    Elastic IPs may move (aws-facts A3)."""
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


def _external_box(builder: Builder, groups: Groups) -> str:
    """The box that partners and the office know by its Elastic IP; returns that."""
    (box,) = builder.launch(
        ["ftp"],
        {**APP, "role": "ftp"},
        ImageId=builder.image(LINUX),
        InstanceType="m1.small",
        KeyName=KEY,
        SecurityGroupIds=[groups.ftp],
        Placement={"AvailabilityZone": "us-east-1a"},
    )
    builder.wait(120)
    address = str(builder.call("ec2", "AllocateAddress", Domain="standard")["PublicIp"])
    builder.call("ec2", "AssociateAddress", InstanceId=box, PublicIp=address)
    return address
