"""RDS databases: moved in place by ModifyDBInstance, or restored in the VPC beside themselves (aws-facts A5)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from app.planning.context import Context
from app.planning.effects import Effect, Joins, Leads
from app.planning.inventory import Inventory, Resource
from app.planning.plan import Finding
from app.resources import rds_facts, rds_findings
from app.resources.kind import ABSENT, Kind, Survey
from app.resources.rds_deletion import DeleteSource
from app.resources.rds_fence import Fence, fenced
from app.resources.rds_method import endpoint
from app.resources.rds_modify import Modify, MultiAz, SingleAz, Snapshot
from app.resources.rds_names import RenameCounterpart, RenameSource
from app.resources.rds_restore import FinalSnapshot, Presnapshot, Replicate, Restore


class RdsInstances(Kind):
    """Overrides: method (modify or restore), db_instance_class, option_group, publicly_accessible, max_groups."""

    name = "rds_instance"
    steps = (
        SingleAz(),
        Snapshot(),
        Modify(),
        MultiAz(),
        Presnapshot(),
        Fence(),
        FinalSnapshot(),
        Restore(),
        Replicate(),
        RenameSource(),
        RenameCounterpart(),
        DeleteSource(),
    )
    reads = frozenset({"rds.describe_db_instances", "rds.describe_option_groups"})
    probes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "rds.describe_db_instances": {"MaxRecords": 20},
        "rds.describe_option_groups": {"MaxRecords": 20},
        "rds.describe_db_snapshots": {"MaxRecords": 20},
        "rds.list_tags_for_resource": {"ResourceName": f"arn:aws:rds:{{region}}:{{account}}:db:{ABSENT}"},
    }

    def moves(self, resource: Resource) -> bool:
        return super().moves(resource) and not fenced(resource)

    async def discover(self, survey: Survey) -> list[Resource]:
        """Facts: state, class, engine, storage, network, upkeep, replicas, pending, resource_id, endpoint, tags."""
        return await rds_facts.discover(survey)

    def present(self, resource: Resource, inventory: Inventory) -> Iterator[Effect]:
        yield Joins(str(resource.ref), tuple(resource.facts["vpc_security_groups"]))
        yield Leads(endpoint(resource.ref.id), str(resource.ref))

    def findings(self, ctx: Context) -> Iterable[Finding]:
        return rds_findings.findings(ctx)


KIND = RdsInstances()
