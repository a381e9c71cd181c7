"""Instances: no call moves one (aws-facts A4, PLAT). An image of each is launched as its twin in the VPC.

A lone instance stops first, is imaged and comes back as its twin. Behind a load balancer that moves, the
twin is registered beside its source, which drains and stops only then.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from app.planning.context import Context
from app.planning.effects import Effect, Joins
from app.planning.inventory import Inventory, Resource
from app.planning.plan import Finding
from app.resources.instance_discovery import discover
from app.resources.instance_findings import findings
from app.resources.instance_hold import Hold
from app.resources.instance_image import Image
from app.resources.instance_launch import Launch
from app.resources.instance_presnapshot import DropPresnapshots, Presnapshot, PresnapshotAgain
from app.resources.instance_reattach import AttachVolumes, DetachVolumes
from app.resources.instance_settle import Check, Park
from app.resources.instance_stop import Retire, Stop
from app.resources.instance_terminate import Terminate
from app.resources.kind import Kind, Survey


class Instances(Kind):
    name = "instance"
    linkable = True
    maker = Launch.action
    steps = (
        Hold(),
        Presnapshot(),
        PresnapshotAgain(),
        Stop(),
        Image(),
        DetachVolumes(),
        Launch(),
        AttachVolumes(),
        Check(),
        Park(),
        Retire(),
        Terminate(),
        DropPresnapshots(),
    )
    reads = frozenset(
        {"ec2.describe_addresses", "ec2.describe_instance_attribute", "ec2.describe_instances", "ec2.describe_volumes"}
    )
    probes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "ec2.describe_instance_attribute": {"InstanceId": "i-00000000000000000", "Attribute": "userData"},
        "ec2.describe_images": {"Owners": ["self"]},
        "ec2.describe_snapshots": {"OwnerIds": ["self"]},
    }

    async def discover(self, survey: Survey) -> list[Resource]:
        """Facts: what a launch takes, and the disks. Of Classic instances also user_data_sha256, user_data_bytes,
        termination_protection and shutdown_behavior; where those could not be read the platform is unknown."""
        return await discover(survey)

    def moves(self, resource: Resource) -> bool:
        """What has a holder is launched anew by it, wherever that moves."""
        return resource.platform == "classic" and resource.holder is None

    def present(self, resource: Resource, inventory: Inventory) -> Iterator[Effect]:
        yield Joins(str(resource.ref), tuple(resource.facts["groups"]))

    def findings(self, ctx: Context) -> Iterable[Finding]:
        return findings(ctx)


KIND = Instances()
