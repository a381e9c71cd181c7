"""What the tests of RDS start from: an account spoken to through boto3, and a VPC with DB subnet groups."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.hook import connect
from sandbox.rds.db_instances import DbInstance, answering
from sandbox.world import Place, World

PASSWORD = "correct-horse"


class Account:
    """A world whose clock stands still, its clients, and short ways to say what the tests say often."""

    def __init__(self) -> None:
        self.world = World()
        session = connect(self.world)
        self.rds: Any = session.client("rds")
        self.ec2: Any = session.client("ec2")

    @property
    def place(self) -> Place:
        return self.world.place()

    def wait(self, seconds: float = 3600) -> None:
        self.world.clock.advance(seconds)

    def create(self, name: str = "main", **more: Any) -> dict[str, Any]:
        """A DB instance as the answer shows it, not yet available."""
        request = {
            "DBInstanceIdentifier": name,
            "DBInstanceClass": "db.m3.medium",
            "Engine": "mysql",
            "AllocatedStorage": 20,
            "MasterUsername": "admin",
            "MasterUserPassword": PASSWORD,
        }
        answer: dict[str, Any] = self.rds.create_db_instance(**(request | more))["DBInstance"]
        return answer

    def created(self, name: str = "main", **more: Any) -> dict[str, Any]:
        """As `create`, once it is available."""
        self.create(name, **more)
        self.wait()
        return self.look(name)

    def look(self, name: str = "main") -> dict[str, Any]:
        found: dict[str, Any] = self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        return found

    def answers(self, name: str = "main") -> bool:
        return answering(self.place, self.place.table(DbInstance)[name])

    def modify(self, name: str = "main", **more: Any) -> dict[str, Any]:
        """Applied immediately unless told otherwise."""
        request = {"DBInstanceIdentifier": name, "ApplyImmediately": True}
        answer: dict[str, Any] = self.rds.modify_db_instance(**(request | more))["DBInstance"]
        return answer

    def vpc(self, cidr: str = "172.20.0.0/16", zones: str = "ab") -> tuple[str, list[str]]:
        """A VPC with a subnet in each zone: its id and theirs."""
        vpc_id: str = self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        base = cidr.removesuffix(".0.0/16")
        subnet_ids = [
            self.ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"{base}.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")[
                "Subnet"
            ]["SubnetId"]
            for n, zone in enumerate(zones)
        ]
        return vpc_id, subnet_ids

    def subnet_group(self, name: str = "private", cidr: str = "172.20.0.0/16", zones: str = "ab") -> str:
        """A DB subnet group in a VPC of its own; returns the VPC's id."""
        vpc_id, subnet_ids = self.vpc(cidr, zones)
        self.rds.create_db_subnet_group(
            DBSubnetGroupName=name, DBSubnetGroupDescription="for tests", SubnetIds=subnet_ids
        )
        return vpc_id

    def vpc_group(self, vpc_id: str, name: str = "db") -> str:
        group_id: str = self.ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc_id)["GroupId"]
        return group_id


@contextmanager
def refused(code: str) -> Iterator[None]:
    """The block ends in AWS's refusal `code`."""
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code


def statuses_of(account: Account, name: str, step: float, until: Callable[[str], bool]) -> list[str]:
    """The statuses seen, without repetition, looking every `step` seconds."""
    seen: list[str] = []
    for _ in range(1000):
        status = account.look(name)["DBInstanceStatus"]
        if not seen or seen[-1] != status:
            seen.append(status)
        if until(status):
            return seen
        account.wait(step)
    raise AssertionError(f"never settled: {seen}")
