"""A small account with EC2-Classic things in it, made by AWS calls as a person would make them."""

from typing import Any

from app.cloud import Cloud
from app.execution.executor import Outcome
from app.execution.journal import MemoryJournal
from app.planning.inventory import Inventory, Ref
from app.planning.plan import Plan
from sandbox.ec2 import image_catalogue
from tests.kit.bench import Bench
from tests.kit.virtual_time import run

A_DAY_AND_MORE = 90_000.0
ZONE = "us-east-1a"


class ClassicAccount:
    """A bench with one Classic group that lets port 80 in, from everywhere and from itself."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.ec2: Any = self.bench.client("ec2")
        self.elb: Any = self.bench.client("elb")
        self.group: str = self.ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
        me = {"UserId": "123456789012", "GroupId": self.group}
        rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
        self.ec2.authorize_security_group_ingress(
            GroupId=self.group,
            IpPermissions=[{**rule, "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "UserIdGroupPairs": [me]}],
        )

    def image(self, name: str = image_catalogue.LINUX_HVM) -> str:
        found = self.ec2.describe_images(Filters=[{"Name": "name", "Values": [name]}])
        return str(found["Images"][0]["ImageId"])

    def launch(self, image: str = image_catalogue.LINUX_HVM, **more: Any) -> str:
        """The id of a Classic instance that runs."""
        request = {"InstanceType": "m3.medium", "Placement": {"AvailabilityZone": ZONE}, **more}
        request["SecurityGroupIds"] = [self.group]
        made = self.ec2.run_instances(ImageId=self.image(image), MinCount=1, MaxCount=1, **request)
        self.bench.world.clock.advance(300)
        return str(made["Instances"][0]["InstanceId"])

    def address(self, instance_id: str | None = None, age: float = A_DAY_AND_MORE) -> str:
        """An Elastic IP of EC2-Classic that was allocated `age` seconds ago."""
        public_ip = str(self.ec2.allocate_address(Domain="standard")["PublicIp"])
        self.bench.world.clock.advance(age)
        if instance_id:
            self.ec2.associate_address(PublicIp=public_ip, InstanceId=instance_id)
        return public_ip

    def balancer(self, *instance_ids: str) -> str:
        """A Classic load balancer on port 80 with these members in service."""
        self.elb.create_load_balancer(
            LoadBalancerName="front",
            AvailabilityZones=[ZONE],
            Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
        )
        check = {"Target": "TCP:80", "Interval": 10, "Timeout": 5, "UnhealthyThreshold": 2, "HealthyThreshold": 2}
        self.elb.configure_health_check(LoadBalancerName="front", HealthCheck=check)
        members = [{"InstanceId": id_} for id_ in instance_ids]
        self.elb.register_instances_with_load_balancer(LoadBalancerName="front", Instances=members)
        self.bench.world.clock.advance(120)
        return "front"

    def instance(self, instance_id: str) -> dict[str, Any]:
        found = self.ec2.describe_instances(InstanceIds=[instance_id])
        item: dict[str, Any] = found["Reservations"][0]["Instances"][0]
        return item

    def state(self, instance_id: str) -> str:
        return str(self.instance(instance_id)["State"]["Name"])

    def elastic_ip(self, public_ip: str) -> dict[str, Any]:
        item: dict[str, Any] = self.ec2.describe_addresses(PublicIps=[public_ip])["Addresses"][0]
        return item

    def alive(self) -> set[str]:
        """Ids of all instances that are not terminated."""
        reservations = self.ec2.describe_instances()["Reservations"]
        items = (item for reservation in reservations for item in reservation["Instances"])
        return {item["InstanceId"] for item in items if item["State"]["Name"] not in ("shutting-down", "terminated")}

    def left_over(self) -> list[str]:
        """Images, snapshots and volumes of ours that belong to nothing."""
        images = [each["ImageId"] for each in self.ec2.describe_images(Owners=["self"])["Images"]]
        snapshots = [each["SnapshotId"] for each in self.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]]
        free = [{"Name": "status", "Values": ["available"]}]
        volumes = [each["VolumeId"] for each in self.ec2.describe_volumes(Filters=free)["Volumes"]]
        return images + snapshots + volumes


def advance(account: ClassicAccount, plan: Plan, journal: MemoryJournal, cloud: Cloud | None = None) -> Outcome:
    """Everything but finalize, through `cloud`."""
    steps = [step for step in plan.steps if step.phase != "finalize"]
    return run(account.bench.world, account.bench.executor(steps, journal, cloud=cloud).advance())


def retreat(account: ClassicAccount, plan: Plan, journal: MemoryJournal, cloud: Cloud | None = None) -> Outcome:
    steps = [step for step in plan.steps if step.phase != "finalize"]
    return run(account.bench.world, account.bench.executor(steps, journal, cloud=cloud).retreat())


def result(journal: MemoryJournal, action: str, ref: str) -> dict[str, Any]:
    return dict(journal.lines[f"{action}/{ref}"].result or {})


def errors(journal: MemoryJournal) -> dict[str, Any]:
    return {id_: entry.error for id_, entry in journal.lines.items() if entry.error}


def without_volatile(inventory: Inventory) -> dict[Ref, Any]:
    """What drift compares: everything but the number of free addresses."""
    return {
        resource.ref: (
            resource.platform,
            {key: value for key, value in resource.facts.items() if key != "free_addresses"},
            resource.refers_to,
        )
        for resource in inventory
    }
