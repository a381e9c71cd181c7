"""A shop that has lived in EC2-Classic for years, and the VPC prepared for it."""

import base64
from dataclasses import dataclass

import boto3

from sandbox.builder import Builder
from sandbox.world import World

DESCRIPTION = "a web shop in EC2-Classic with everything a lived-in account has, and an empty VPC for it"

APP = {"app": "shop", "env": "prod"}
OFFICE = "203.0.113.0/24"
PARTNER = "198.51.100.24/32"
DAY = 86_400
CERTIFICATE = "arn:aws:iam::123456789012:server-certificate/shop-2021"
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
    balancer = _load_balancer(builder, web)
    endpoint = _database(builder, groups)
    address = _external_box(builder, groups)
    _dns(builder, balancer, endpoint, address)
    _target(builder)
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


def _load_balancer(builder: Builder, web: list[str]) -> dict[str, str]:
    """Its DNS name and hosted zone, for an alias."""
    name = {"LoadBalancerName": "shop-web"}
    builder.call(
        "elb",
        "CreateLoadBalancer",
        **name,
        AvailabilityZones=["us-east-1a", "us-east-1b"],
        Listeners=[
            {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80},
            {
                "Protocol": "HTTPS",
                "LoadBalancerPort": 443,
                "InstanceProtocol": "HTTP",
                "InstancePort": 80,
                "SSLCertificateId": CERTIFICATE,
            },
        ],
        Tags=[{"Key": key, "Value": value} for key, value in APP.items()],
    )
    _tune(builder, name)
    builder.call(
        "elb",
        "RegisterInstancesWithLoadBalancer",
        **name,
        Instances=[{"InstanceId": instance_id} for instance_id in web],
    )
    builder.wait(120)
    found = builder.call("elb", "DescribeLoadBalancers", LoadBalancerNames=["shop-web"])
    described = found["LoadBalancerDescriptions"][0]
    return {"name": described["DNSName"], "zone": described["CanonicalHostedZoneNameID"]}


def _tune(builder: Builder, name: dict[str, str]) -> None:
    builder.call(
        "elb",
        "ConfigureHealthCheck",
        **name,
        HealthCheck={
            "Target": "HTTP:80/health",
            "Interval": 10,
            "Timeout": 4,
            "UnhealthyThreshold": 3,
            "HealthyThreshold": 3,
        },
    )
    builder.call(
        "elb",
        "ModifyLoadBalancerAttributes",
        **name,
        LoadBalancerAttributes={
            "CrossZoneLoadBalancing": {"Enabled": True},
            "ConnectionDraining": {"Enabled": True, "Timeout": 60},
            "ConnectionSettings": {"IdleTimeout": 120},
            "AccessLog": {"Enabled": True, "S3BucketName": "shop-logs", "EmitInterval": 60},
        },
    )
    builder.call("elb", "CreateLBCookieStickinessPolicy", **name, PolicyName="browse", CookieExpirationPeriod=900)
    builder.call("elb", "CreateAppCookieStickinessPolicy", **name, PolicyName="basket", CookieName="SHOPSESSION")
    found = builder.call("elb", "DescribeLoadBalancers", LoadBalancerNames=[name["LoadBalancerName"]])
    listeners = found["LoadBalancerDescriptions"][0]["ListenerDescriptions"]
    for listener, policy in zip(listeners, ("browse", "basket"), strict=True):
        builder.call(
            "elb",
            "SetLoadBalancerPoliciesOfListener",
            **name,
            LoadBalancerPort=listener["Listener"]["LoadBalancerPort"],
            PolicyNames=[*listener["PolicyNames"], policy],
        )


def _database(builder: Builder, groups: Groups) -> str:
    """Its endpoint's DNS name."""
    builder.call(
        "rds",
        "CreateDBSecurityGroup",
        DBSecurityGroupName="shop-db",
        DBSecurityGroupDescription="who may ask the database",
    )
    owner = builder.call("sts", "GetCallerIdentity")["Account"]
    for group_id in (groups.app, groups.left, groups.right, groups.default):
        builder.call(
            "rds",
            "AuthorizeDBSecurityGroupIngress",
            DBSecurityGroupName="shop-db",
            EC2SecurityGroupId=group_id,
            EC2SecurityGroupOwnerId=owner,
        )
    builder.call("rds", "AuthorizeDBSecurityGroupIngress", DBSecurityGroupName="shop-db", CIDRIP=OFFICE)
    builder.call(
        "rds",
        "CreateDBInstance",
        DBInstanceIdentifier="shop-db",
        Engine="mysql",
        DBInstanceClass="db.m3.medium",
        AllocatedStorage=100,
        MasterUsername="shop",
        MasterUserPassword="made-up-and-never-checked",
        DBName="shop",
        MultiAZ=False,
        AvailabilityZone="us-east-1a",
        BackupRetentionPeriod=7,
        DBSecurityGroups=["shop-db"],
        Tags=[{"Key": key, "Value": value} for key, value in APP.items()],
    )
    builder.wait(1_800)
    found = builder.call("rds", "DescribeDBInstances", DBInstanceIdentifier="shop-db")
    return str(found["DBInstances"][0]["Endpoint"]["Address"])


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


def _dns(builder: Builder, balancer: dict[str, str], endpoint: str, address: str) -> None:
    zone = builder.call("route53", "CreateHostedZone", Name="shop.example.com", CallerReference="shop-2012")[
        "HostedZone"
    ]["Id"]
    alias = {"HostedZoneId": balancer["zone"], "DNSName": balancer["name"], "EvaluateTargetHealth": False}
    plain = [
        ("api", "CNAME", 60, balancer["name"]),
        ("db", "CNAME", 30, endpoint),
        ("ftp", "A", 300, address),
        ("mail", "TXT", 3600, '"v=spf1 -all"'),
    ]
    records = [{"Name": "www.shop.example.com", "Type": "A", "AliasTarget": alias}]
    records += [
        {"Name": f"{name}.shop.example.com", "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": value}]}
        for name, kind, ttl, value in plain
    ]
    changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
    builder.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": changes})


def _target(builder: Builder) -> None:
    """172.20.0.0/16 lies outside 10.0.0.0/8 and 172.16.0.0/16, both of which Classic uses. aws-facts A1"""
    cidrs = {f"us-east-1{letter}": f"172.20.{number}.0/24" for number, letter in enumerate("abc", 1)}
    _, subnet_ids = builder.network("shop-vpc", "172.20.0.0/16", cidrs)
    builder.call(
        "rds",
        "CreateDBSubnetGroup",
        DBSubnetGroupName="shop-db",
        DBSubnetGroupDescription="the shop's databases",
        SubnetIds=subnet_ids,
    )
