"""One change of one record set: made where nobody else has changed it, and waited for."""

from collections.abc import Mapping
from dataclasses import replace

from app.execution.step import PENDING, Result, Run, Seen, Step, StepBroken, Verdict, Watch, pending, settled
from app.planning.inventory import Json

Record = Mapping[str, Json]


def essence(record: Record) -> tuple[Json, ...]:
    """What makes two readings of a record set the same."""
    alias = record.get("AliasTarget")
    return (
        record["Name"].rstrip(".").lower(),
        record["Type"],
        record.get("SetIdentifier"),
        record.get("Weight"),
        record.get("TTL"),
        sorted(value["Value"].rstrip(".").lower() for value in record.get("ResourceRecords") or ()),
        (alias["HostedZoneId"], alias["DNSName"].rstrip(".").lower()) if alias else None,
    )


async def current(run: Run) -> Record | None:
    wanted = run.params["record"]
    identifier = {"StartRecordIdentifier": wanted["SetIdentifier"]} if wanted.get("SetIdentifier") else {}
    answer = await run.cloud.call(
        "route53.list_resource_record_sets",
        HostedZoneId=run.params["zone"],
        StartRecordName=wanted["Name"],
        StartRecordType=wanted["Type"],
        MaxItems="1",
        **identifier,
    )
    for found in answer["ResourceRecordSets"]:
        if essence(found)[:3] == essence(wanted)[:3]:
            return dict(found)
    return None


async def upsert(run: Run, record: Record) -> str:
    """The id of the change."""
    answer = await run.cloud.call(
        "route53.change_resource_record_sets",
        HostedZoneId=run.params["zone"],
        ChangeBatch={
            "Comment": run.step_id[:256],
            "Changes": [{"Action": "UPSERT", "ResourceRecordSet": dict(record)}],
        },
    )
    return str(answer["ChangeInfo"]["Id"])


async def change_record(run: Run, new: Record, *known: Record) -> str:
    """UPSERT `new` where the record is what we left or found; somebody else's change is not run over."""
    found = await current(run)
    if found is None or all(essence(found) != essence(record) for record in (new, *known)):
        raise StepBroken(
            f"{new['Name']} was changed by somebody else meanwhile: put it back, or skip this step and point it at "
            "the right place yourself.",
            "record_changed",
        )
    return await upsert(run, new)


def watch_change(change: str) -> Watch:
    return Watch("route53.get_change", (change,), by="one:Id", items="[ChangeInfo]", key="Id", within=1800.0)


def in_sync(change: str, seen: Seen) -> Verdict:
    status = seen.get(change, {}).get("Status")
    return settled() if status == "INSYNC" else pending("Route 53 has not yet changed all of its servers.")


async def run_out(run: Run, change: str, seconds: float) -> None:
    """Until cached answers have run out: a look that nothing satisfies, for as long as they last."""
    try:
        await run.wait(replace(watch_change(change), within=seconds), lambda seen: PENDING)
    except StepBroken as waited:
        if waited.code != "too_slow":
            raise


class RecordStep(Step):
    """A change of one record set; its result holds the change to wait for and the record as it became."""

    subject = "dns_record"

    def watch(self, result: Result) -> Watch | None:
        return watch_change(result["change"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return in_sync(result["change"], seen)

    async def put_back(self, run: Run, new: Record) -> str | None:
        """The record as it was before this step, on all servers; None where it is so already."""
        old = run.params["record"]
        found = await current(run)
        if found is not None and essence(found) == essence(old):
            return None
        change = await change_record(run, old, new)
        await run.wait(watch_change(change), lambda seen: in_sync(change, seen))
        return change
