"""A small shop in EC2-Classic: web servers behind a load balancer, a database, a name; made by AWS calls."""

from typing import Any

from app.execution.journal import MemoryJournal
from app.planning.context import Target
from app.planning.plan import Plan
from sandbox.ec2 import image_catalogue
from sandbox.reach import reach
from tests.kit.account import account, differences
from tests.kit.bench import Bench

ACCOUNT = "123456789012"
ZONES = ("us-east-1a", "us-east-1b")


class Shop:
    """A bench with a VPC of two subnets, and the shop beside it; `web` are two instances behind `front`."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.ec2: Any = self.bench.client("ec2")
        self.rds: Any = self.bench.client("rds")
        self.elb: Any = self.bench.client("elb")
        self.dns: Any = self.bench.client("route53")
        self.vpc, self.subnets = self._network()
        self.group = self._group()
        self.web = [self.launch(zone) for zone in ZONES]

    @property
    def target(self) -> Target:
        return Target(vpc_id=self.vpc, subnets=self.subnets)

    def passes(self, seconds: float) -> None:
        self.bench.world.clock.advance(seconds)

    def _network(self) -> tuple[str, dict[str, str]]:
        vpc = self.ec2.create_vpc(CidrBlock="172.31.0.0/16")["Vpc"]["VpcId"]
        self.passes(10)
        self.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.passes(10)
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        [table] = self.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
        self.ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        subnets = {
            zone: self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"172.31.{index}.0/24", AvailabilityZone=zone)["Subnet"][
                "SubnetId"
            ]
            for index, zone in enumerate(ZONES)
        }
        self.passes(10)
        return vpc, subnets

    def _group(self) -> str:
        group = str(self.ec2.create_security_group(GroupName="web", Description="web")["GroupId"])
        self.passes(10)
        balancers = {"UserId": "amazon-elb", "GroupName": "amazon-elb-sg"}
        rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [balancers]}
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        return group

    def launch(self, zone: str) -> str:
        image = self.ec2.describe_images(Filters=[{"Name": "name", "Values": [image_catalogue.LINUX_HVM]}])
        made = self.ec2.run_instances(
            ImageId=image["Images"][0]["ImageId"],
            MinCount=1,
            MaxCount=1,
            InstanceType="m3.medium",
            SecurityGroupIds=[self.group],
            Placement={"AvailabilityZone": zone},
        )
        self.passes(300)
        return str(made["Instances"][0]["InstanceId"])

    def balancer(self, name: str = "front", *members: str, **more: Any) -> str:
        """Its DNS name; the members are in service."""
        made = self.elb.create_load_balancer(
            LoadBalancerName=name,
            AvailabilityZones=list(ZONES),
            Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
            **more,
        )
        self.passes(10)
        check = {"Target": "TCP:80", "Interval": 10, "Timeout": 5, "UnhealthyThreshold": 2, "HealthyThreshold": 2}
        self.elb.configure_health_check(LoadBalancerName=name, HealthCheck=check)
        instances = [{"InstanceId": id_} for id_ in members or self.web]
        self.elb.register_instances_with_load_balancer(LoadBalancerName=name, Instances=instances)
        self.passes(120)
        return str(made["DNSName"])

    def zone(self, name: str = "shop.example") -> str:
        made = self.dns.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
        self.passes(60)
        return str(made).removeprefix("/hostedzone/")

    def record(self, zone: str, name: str, type_: str = "CNAME", **more: Any) -> None:
        change = {"Action": "CREATE", "ResourceRecordSet": {"Name": name, "Type": type_, **more}}
        self.dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
        self.passes(60)

    def answers(self, zone: str) -> dict[str, dict[str, Any]]:
        """By name without the final dot: the record set."""
        found = self.dns.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return {each["Name"].rstrip("."): each for each in found if each["Type"] not in ("NS", "SOA")}

    def database(self, name: str = "main", **more: Any) -> dict[str, Any]:
        """A MySQL database that the web servers may call."""
        groups = {each["DBSecurityGroupName"] for each in self.rds.describe_db_security_groups()["DBSecurityGroups"]}
        if "db" not in groups:
            self.rds.create_db_security_group(DBSecurityGroupName="db", DBSecurityGroupDescription="databases")
            self.passes(10)
            self.rds.authorize_db_security_group_ingress(
                DBSecurityGroupName="db", EC2SecurityGroupId=self.group, EC2SecurityGroupOwnerId=ACCOUNT
            )
        request = {
            "DBInstanceClass": "db.m3.medium",
            "Engine": "mysql",
            "MasterUsername": "admin",
            "MasterUserPassword": "open-sesame",
            "AllocatedStorage": 10,
            "DBSecurityGroups": ["db"],
            **({} if more.get("MultiAZ") else {"AvailabilityZone": ZONES[0]}),
            **more,
        }
        self.rds.create_db_instance(DBInstanceIdentifier=name, **request)
        self.passes(900)
        return self.seen(name)

    def replica(self, name: str, source: str) -> None:
        self.rds.create_db_instance_read_replica(DBInstanceIdentifier=name, SourceDBInstanceIdentifier=source)
        self.passes(900)

    def seen(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        return found

    def names(self) -> list[str]:
        return sorted(each["DBInstanceIdentifier"] for each in self.rds.describe_db_instances()["DBInstances"])

    def reaches(self, source: str, target: str, port: int) -> bool:
        return reach(self.bench.world.place(ACCOUNT, "us-east-1"), source, target, port).ok

    def plan(self, *refs: str, strategy: Any = "incremental", **overrides: dict[str, Any]) -> Plan:
        """`overrides` by the id of a database or load balancer."""
        kinds = {"rds_instance": self.names(), "load_balancer": self.balancers()}
        named = {f"{kind}:{id_}": overrides[id_] for kind, ids in kinds.items() for id_ in ids if id_ in overrides}
        return self.bench.plan(self.target, strategy, refs=refs or None, overrides=named)

    def balancers(self) -> list[str]:
        found = self.elb.describe_load_balancers()["LoadBalancerDescriptions"]
        return sorted(each["LoadBalancerName"] for each in found)

    def in_service(self, name: str) -> set[str]:
        states = self.elb.describe_instance_health(LoadBalancerName=name)["InstanceStates"]
        return {each["InstanceId"] for each in states if each["State"] == "InService"}

    def account(self) -> dict[str, Any]:
        return account(self.bench.boto)

    def changed_since(self, before: dict[str, Any], *but: str) -> list[str]:
        """Differences, apart from what `but` names."""
        return [line for line in differences(before, self.account()) if not line.startswith(tuple(but) or ("//",))]


def codes(plan: Plan, level: str | None = None) -> set[str]:
    return {finding.code for finding in plan.findings if level in (None, finding.level)}


def actions(plan: Plan, kind: str) -> list[str]:
    return [step.action.partition(".")[2] for step in plan.steps if step.action.startswith(kind + ".")]


def errors(journal: MemoryJournal) -> dict[str, Any]:
    return {id_: entry.error for id_, entry in journal.lines.items() if entry.error}
