"""Which instances give their data volumes to their twins, and what the plan then looks like."""

from typing import Any

import pytest

from app.planning.plan import Plan
from tests.unit.resources.inventories import a_disk, actions, an_instance, findings_of, plan_of, step_of

REF = "instance:i-1"


def plan_with(data_gib: int, override: str | None = None, **facts: Any) -> Plan:
    """Of an instance with a root and one data volume."""
    disks = [a_disk(), a_disk(data_gib, device="/dev/sdf")]
    return plan_of(
        an_instance(block_devices=disks, **facts), overrides={REF: {"volumes": override}} if override else {}
    )


def reattached(plan: Plan) -> bool:
    return {"instance.detach_volumes", "instance.attach_volumes"} <= actions(plan)


def test_large_data_volumes_are_reattached_and_small_ones_copied_unless_a_person_says_otherwise() -> None:
    assert reattached(plan_with(100))
    assert not reattached(plan_with(99))
    assert reattached(plan_with(9, "reattach"))
    assert not reattached(plan_with(900, "copy"))
    assert not reattached(plan_of(an_instance(block_devices=[a_disk(500)])))  # a root is always in the image


def test_the_twin_is_in_service_only_with_its_volumes_on_it_and_after_its_reboot() -> None:
    plan = plan_with(500)
    attach = step_of(plan, "instance.attach_volumes")
    assert set(attach.needs) == {f"instance.launch/{REF}", f"instance.detach_volumes/{REF}"}
    assert f"in_service {REF}" in attach.reaches
    assert attach.lingering_seconds > 0
    assert attach.id in step_of(plan, "instance.check").needs
    assert set(step_of(plan, "instance.detach_volumes").needs) == {f"instance.image/{REF}", f"instance.stop/{REF}"}


def test_what_goes_over_itself_is_neither_in_the_image_nor_launched() -> None:
    small, large = plan_with(500), plan_with(1000)
    assert step_of(small, "instance.image").params["left_out"] == ["/dev/sdf"]
    assert list(step_of(small, "instance.launch").params["keep_volumes"]) == ["/dev/xvda"]
    assert (
        step_of(large, "instance.image").estimate["seconds"] < step_of(small, "instance.image").estimate["seconds"] + 5
    )


def test_a_snapshot_of_what_goes_over_itself_is_taken_beforehand_as_the_way_back() -> None:
    plan = plan_with(500)
    presnapshot = step_of(plan, "instance.presnapshot")
    assert presnapshot.params["left_out"] == []
    assert presnapshot.id in step_of(plan, "instance.stop").needs
    assert findings_of(plan)["volumes_reattached"] == "warning"


def test_a_volume_that_went_over_is_not_said_to_stay_behind() -> None:
    disks = [a_disk(), a_disk(500, device="/dev/sdf", delete_on_termination=False)]
    assert "volumes_stay" not in findings_of(plan_of(an_instance(block_devices=disks)))


@pytest.mark.parametrize(
    "facts",
    [{"platform": "windows"}, {"root_device_type": "instance-store"}, {"state": "stopped"}],
)
def test_where_volumes_cannot_go_over_they_are_copied_and_whoever_asked_for_it_is_refused(
    facts: dict[str, Any],
) -> None:
    by_size, by_wish = plan_with(500, **facts), plan_with(9, "reattach", **facts)
    assert not reattached(by_size)
    assert not reattached(by_wish)
    assert findings_of(by_size)["volumes_not_reattached"] == "note"
    assert findings_of(by_wish)["volumes_not_reattached"] == "blocker"
    assert "volumes_not_reattached" not in findings_of(plan_with(500, "copy", **facts))


def test_an_unknown_way_is_a_blocker() -> None:
    assert findings_of(plan_with(9, "carry"))["unknown_way_of_volumes"] == "blocker"
