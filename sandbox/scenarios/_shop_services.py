"""What the shop has beside instances: its load balancer, database, names, and the VPC prepared for it."""

from collections.abc import Sequence

from sandbox.builder import Builder

APP = {"app": "shop", "env": "prod"}
OFFICE = "203.0.113.0/24"
CERTIFICATE = "arn:aws:iam::123456789012:server-certificate/shop-2021"


def load_balancer(builder: Builder, web: list[str]) -> dict[str, str]:
    """Its DNS name and hosted zone, for an alias; `web` are the servers registered by hand."""
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
    if web:
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


def database(builder: Builder, callers: Sequence[str]) -> str:
    """Its endpoint's DNS name."""
    builder.call(
        "rds",
        "CreateDBSecurityGroup",
        DBSecurityGroupName="shop-db",
        DBSecurityGroupDescription="who may ask the database",
    )
    owner = builder.call("sts", "GetCallerIdentity")["Account"]
    for group_id in callers:
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


def dns(builder: Builder, balancer: dict[str, str], endpoint: str, address: str) -> None:
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
    records: list[dict[str, object]] = [{"Name": "www.shop.example.com", "Type": "A", "AliasTarget": alias}]
    records += [
        {"Name": f"{name}.shop.example.com", "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": value}]}
        for name, kind, ttl, value in plain
    ]
    changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
    builder.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": changes})


def target(builder: Builder) -> None:
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
