"""A newcomer reads names; ids stay where there is no name."""

from __future__ import annotations

from landbridge.demo_names import Names, expected_seconds, ports

NAMES = Names(
    [
        {"ref": "instance:i-1", "name": "web-1"},
        {"ref": "instance:i-2", "name": "web-2"},
        {"ref": "instance:i-3", "name": ""},
        {"ref": "rds_instance:main", "name": "main"},
    ]
)
FLOW = {"sources": ["instance:i-2", "instance:i-1"], "targets": ["rds_instance:main"], "protocol": "tcp"}


def test_a_thing_is_called_by_its_name_and_else_by_its_id() -> None:
    assert NAMES.of("instance:i-1") == "web-1"
    assert NAMES.of("instance:i-3") == "i-3"
    assert NAMES.of("instance:i-9") == "i-9"


def test_addresses_are_told_as_they_are() -> None:
    assert NAMES.of("cidr:198.51.100.0/24") == "198.51.100.0/24"
    assert NAMES.of("cidr:0.0.0.0/0") == "anyone"


def test_a_flow_names_its_first_members() -> None:
    assert NAMES.arrow(FLOW) == "web-1, web-2 -> main"
    many = {**FLOW, "targets": [f"instance:i-{n}" for n in range(10, 15)]}
    assert NAMES.arrow(many) == "web-1, web-2 -> i-10, i-11, i-12 and 2 more"
    assert NAMES.some([]) == "(nobody)"


def test_only_refs_that_are_known_become_names_in_a_sentence() -> None:
    said = NAMES.in_text("instance:i-1 stops in 'instance.stop/instance:i-1', then instance:i-9. See note:x.")
    assert said == "web-1 stops in 'instance.stop/web-1', then instance:i-9. See note:x."


def test_ports_are_told_in_words() -> None:
    assert ports({"protocol": "tcp", "from_port": 3306, "to_port": 3306}) == "tcp/3306"
    assert ports({"protocol": "tcp", "from_port": 1, "to_port": 9}) == "tcp/1-9"
    assert ports({"protocol": "udp", "from_port": 0, "to_port": 65535}) == "any udp"
    assert ports({"protocol": "icmp", "from_port": -1, "to_port": -1}) == "icmp"
    assert ports({"protocol": "-1"}) == "anything"


def test_overlapping_interruptions_are_not_added_up() -> None:
    gaps = [{"estimated_seconds": 60.0}, {"estimated_seconds": 90.0}]
    assert expected_seconds({"interruptions": gaps}) == 90.0
    assert expected_seconds({"interruptions": gaps, "outage_seconds": 120.0}) == 120.0
    assert expected_seconds({}) == 0.0
