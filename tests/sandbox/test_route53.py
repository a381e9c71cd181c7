"""Hosted zones and record sets, and what callers with a cache see of a change."""

from datetime import timedelta
from typing import Any

import pytest

from sandbox.route53.published import answers, resolve
from tests.sandbox.both_platforms import BothPlatforms, cname


@pytest.fixture
def account() -> BothPlatforms:
    return BothPlatforms()


def listed(account: BothPlatforms, zone: str, **params: Any) -> list[tuple[str, str]]:
    found = account.call("route53", "ListResourceRecordSets", HostedZoneId=zone, **params)
    return [(one["Name"], one["Type"]) for one in found["ResourceRecordSets"]]


def test_a_zone_is_made_once_for_a_caller_reference(account: BothPlatforms) -> None:
    zone = account.zone()
    account.refused(
        "HostedZoneAlreadyExists",
        "route53",
        "CreateHostedZone",
        Name="shop.example",
        CallerReference="shop.example",
    )
    assert account.call("route53", "GetHostedZone", Id=zone)["HostedZone"]["Name"] == "shop.example."
    assert [one["Id"] for one in account.call("route53", "ListHostedZones")["HostedZones"]] == [zone]


def test_a_zone_with_records_is_not_deleted(account: BothPlatforms) -> None:
    zone = account.zone()
    account.record(zone, "CREATE", **cname("www.shop.example", "elsewhere.example"))
    account.refused("HostedZoneNotEmpty", "route53", "DeleteHostedZone", Id=zone)
    account.record(zone, "DELETE", **cname("www.shop.example", "elsewhere.example"))
    account.call("route53", "DeleteHostedZone", Id=zone)
    account.refused("NoSuchHostedZone", "route53", "GetHostedZone", Id=zone)


def test_records_are_listed_in_pages_and_from_a_name_on(account: BothPlatforms) -> None:
    zone = account.zone()
    for name in ("b", "a", "c"):
        account.record(zone, "CREATE", **cname(f"{name}.shop.example", "elsewhere.example"))
    paginator = account.session.client("route53").get_paginator("list_resource_record_sets")
    pages = paginator.paginate(HostedZoneId=zone, PaginationConfig={"PageSize": 2})
    names = [one["Name"] for page in pages for one in page["ResourceRecordSets"]]
    assert names == ["shop.example.", "shop.example.", "a.shop.example.", "b.shop.example.", "c.shop.example."]
    start = {"StartRecordName": "b.shop.example", "StartRecordType": "CNAME", "MaxItems": "1"}
    assert listed(account, zone, **start) == [("b.shop.example.", "CNAME")]


def test_a_batch_takes_effect_whole_or_not_at_all(account: BothPlatforms) -> None:
    zone = account.zone()
    good, bad = cname("a.shop.example", "x.example"), cname("a.elsewhere.example", "x.example")
    changes = [{"Action": "CREATE", "ResourceRecordSet": one} for one in (good, bad)]
    account.refused(
        "InvalidChangeBatch",
        "route53",
        "ChangeResourceRecordSets",
        HostedZoneId=zone,
        ChangeBatch={"Changes": changes},
    )
    assert len(listed(account, zone)) == 2
    account.record(zone, "CREATE", **good)
    changes = [{"Action": "CREATE", "ResourceRecordSet": good}]
    account.refused(
        "InvalidChangeBatch",
        "route53",
        "ChangeResourceRecordSets",
        HostedZoneId=zone,
        ChangeBatch={"Changes": changes},
    )
    changes = [{"Action": "DELETE", "ResourceRecordSet": {**good, "TTL": 61}}]
    account.refused(
        "InvalidChangeBatch",
        "route53",
        "ChangeResourceRecordSets",
        HostedZoneId=zone,
        ChangeBatch={"Changes": changes},
    )


def test_a_change_is_pending_until_it_has_reached_all_servers(account: BothPlatforms) -> None:
    zone = account.zone()
    change = account.record(zone, "CREATE", **cname("www.shop.example", "old.example"))
    assert account.call("route53", "GetChange", Id=change)["ChangeInfo"]["Status"] == "PENDING"
    assert answers(account.place, "www.shop.example") == {"www.shop.example"}
    account.wait(account.world.durations.dns_change)
    assert account.call("route53", "GetChange", Id=change)["ChangeInfo"]["Status"] == "INSYNC"
    assert answers(account.place, "www.shop.example") == {"old.example"}


def test_caches_keep_the_old_answer_for_the_old_ttl(account: BothPlatforms) -> None:
    zone = account.zone()
    account.record(zone, "CREATE", **cname("www.shop.example", "old.example", ttl=300))
    account.wait(60)
    account.record(zone, "UPSERT", **cname("www.shop.example", "new.example", ttl=10))
    account.wait(20)
    found = resolve(account.place, "www.shop.example")
    assert found.current == {"new.example"}
    assert found.cached == {"old.example": account.world.clock.now() + timedelta(seconds=300)}
    account.wait(300)
    assert answers(account.place, "www.shop.example") == {"new.example"}


def test_an_alias_leads_through_a_cname_to_a_load_balancer(account: BothPlatforms) -> None:
    dns_name = account.balancer()
    zone = account.zone()
    alias = {"HostedZoneId": "Z35SXDOTRQ7X7K", "DNSName": f"dualstack.{dns_name}", "EvaluateTargetHealth": False}
    account.record(zone, "CREATE", Name="www.shop.example", Type="A", AliasTarget=alias)
    account.record(zone, "CREATE", **cname("api.shop.example", "www.shop.example"))
    account.wait(60)
    assert answers(account.place, "api.shop.example") == {dns_name.lower()}
    found = account.call("route53", "ListResourceRecordSets", HostedZoneId=zone)["ResourceRecordSets"][-1]
    assert found["AliasTarget"]["DNSName"] == f"dualstack.{dns_name.lower()}."
    assert "TTL" not in found


def test_weighted_sets_all_answer_but_for_those_of_weight_nothing(account: BothPlatforms) -> None:
    zone = account.zone()

    def weigh(value: str, weight: int) -> None:
        record = {**cname("www.shop.example", value), "SetIdentifier": value, "Weight": weight}
        account.record(zone, "UPSERT", **record)

    weigh("old.example", 90)
    weigh("new.example", 10)
    account.wait(20)
    assert answers(account.place, "www.shop.example") == {"old.example", "new.example"}
    weigh("old.example", 0)
    account.wait(20)
    assert resolve(account.place, "www.shop.example").current == {"new.example"}
    account.wait(60)
    assert answers(account.place, "www.shop.example") == {"new.example"}


def test_zones_have_tags(account: BothPlatforms) -> None:
    zone = account.zone().removeprefix("/hostedzone/")
    which = {"ResourceType": "hostedzone", "ResourceId": zone}
    account.call("route53", "ChangeTagsForResource", **which, AddTags=[{"Key": "app", "Value": "shop"}])
    found = account.call("route53", "ListTagsForResource", **which)["ResourceTagSet"]
    assert found["Tags"] == [{"Key": "app", "Value": "shop"}]
