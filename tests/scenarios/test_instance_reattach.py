"""Data volumes that go over themselves, against the sandbox: forward, back, and at finalize."""

from typing import Any

import pytest

from app.execution.journal import MemoryJournal
from app.planning.context import Target
from app.planning.plan import Plan
from tests.scenarios.classic_account import ClassicAccount, advance, errors, result, without_volatile

NEW = Target(create_cidr="172.20.0.0/16")
DATA = [
    {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 400, "DeleteOnTermination": True}},
    {"DeviceName": "/dev/sdg", "Ebs": {"VolumeSize": 20, "DeleteOnTermination": False}},
]


@pytest.fixture
def account() -> ClassicAccount:
    return ClassicAccount()


def on(account: ClassicAccount, instance_id: str) -> dict[str, tuple[str, bool]]:
    """By device: the volume, and whether it ends with the instance."""
    mappings = account.instance(instance_id)["BlockDeviceMappings"]
    return {each["DeviceName"]: (each["Ebs"]["VolumeId"], each["Ebs"]["DeleteOnTermination"]) for each in mappings}


def moved(account: ClassicAccount) -> tuple[str, str, Plan, MemoryJournal]:
    """The source, its twin, the plan and what became of it."""
    source = account.launch(BlockDeviceMappings=DATA)
    plan = account.bench.plan(NEW)
    outcome, journal = account.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)
    return source, result(journal, "instance.launch", f"instance:{source}")["counterpart"], plan, journal


def test_the_twin_has_the_very_volumes_of_its_source_under_the_same_devices(account: ClassicAccount) -> None:
    source = account.launch(BlockDeviceMappings=DATA)
    before = on(account, source)
    plan = account.bench.plan(NEW)
    outcome, journal = account.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    twin = result(journal, "instance.launch", f"instance:{source}")["counterpart"]
    after = on(account, twin)
    assert {device: after[device] for device in ("/dev/sdf", "/dev/sdg")} == {
        device: before[device] for device in ("/dev/sdf", "/dev/sdg")
    }
    assert after.keys() == before.keys()
    assert after["/dev/xvda"][0] != before["/dev/xvda"][0]
    assert on(account, source).keys() == {"/dev/xvda"}


def test_the_outage_does_not_grow_with_the_data(account: ClassicAccount) -> None:
    def down_for(size: int) -> float:
        source = account.launch(BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": size}}])
        changes: list[tuple[float, bool]] = []

        def look(_: Any) -> None:
            serving = any(account.state(id_) == "running" for id_ in account.alive())
            changes.append((account.bench.clock.now(), serving))

        account.bench.world.on_change.append(look)
        plan = account.bench.plan(NEW, refs=[f"instance:{source}"])
        outcome, journal = account.bench.execute(plan)
        account.bench.world.on_change.remove(look)
        assert outcome == "succeeded", errors(journal)
        assert account.bench.undo(plan, journal) == "undone", errors(journal)
        account.ec2.terminate_instances(InstanceIds=[source])
        account.bench.world.clock.advance(300)
        began = next(at for at, serving in changes if not serving)
        return next(at for at, serving in changes if serving and at > began) - began

    assert down_for(4000) == pytest.approx(down_for(100), abs=15)


def test_undo_gives_the_source_its_volumes_back_with_what_was_written_since(account: ClassicAccount) -> None:
    source = account.launch(BlockDeviceMappings=DATA)
    account.address(source)
    before, devices = account.bench.discover(), on(account, source)
    plan = account.bench.plan(NEW, inventory=before)
    outcome, journal = account.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)

    assert account.bench.undo(plan, journal) == "undone", errors(journal)
    assert on(account, source) == devices
    assert without_volatile(account.bench.discover()) == without_volatile(before)
    assert account.alive() == {source}
    assert account.left_over() == []


def test_finalize_ends_the_source_and_no_volume_that_went_over(account: ClassicAccount) -> None:
    source, twin, plan, journal = moved(account)
    volumes = on(account, twin)
    outcome, finalized = account.bench.finalize(plan, journal)

    assert outcome == "succeeded", errors(finalized)
    assert account.state(source) == "terminated"
    assert on(account, twin) == volumes
    image = result(journal, "instance.image", f"instance:{source}")
    assert set(account.left_over()) == {image["image_id"], *image["snapshot_ids"]}


def test_finalize_spares_a_source_that_somebody_gave_its_volume_back(account: ClassicAccount) -> None:
    source, twin, plan, journal = moved(account)
    volume = on(account, twin)["/dev/sdf"][0]
    account.ec2.stop_instances(InstanceIds=[twin])
    account.bench.world.clock.advance(120)
    account.ec2.detach_volume(VolumeId=volume)
    account.bench.world.clock.advance(60)
    account.ec2.attach_volume(VolumeId=volume, InstanceId=source, Device="/dev/sdf")
    outcome, finalized = account.bench.finalize(plan, journal)

    assert outcome == "halted"
    assert volume in errors(finalized)[f"instance.terminate/instance:{source}"]["detail"]
    assert account.state(source) == "stopped"


def test_a_volume_that_somebody_took_meanwhile_halts_the_job(account: ClassicAccount) -> None:
    source, other = account.launch(BlockDeviceMappings=DATA), account.launch()
    volume = on(account, source)["/dev/sdf"][0]
    plan = account.bench.plan(NEW, refs=[f"instance:{source}"])
    account.ec2.detach_volume(VolumeId=volume)
    account.bench.world.clock.advance(60)
    account.ec2.attach_volume(VolumeId=volume, InstanceId=other, Device="/dev/sdf")
    journal = MemoryJournal()
    account.bench.guarded = False  # it happens after drift was looked for

    assert advance(account, plan, journal) == "halted"
    assert other in errors(journal)[f"instance.detach_volumes/instance:{source}"]["detail"]


def test_the_twin_is_led_to_only_when_it_has_its_volumes(account: ClassicAccount) -> None:
    source = account.launch(BlockDeviceMappings=DATA)
    account.address(source)
    plan = account.bench.plan(NEW)
    [associate] = [step for step in plan.steps if step.action == "elastic_ip.associate"]
    assert f"instance.attach_volumes/instance:{source}" in associate.needs
