"""Hand-made Auto Scaling groups, as discovery would show them."""

from typing import Any

from app.planning.inventory import Json, Ref, Resource
from tests.unit.resources.inventories import ZONE

CONFIGURATION: dict[str, Json] = {
    "name": "web-1",
    "image_id": "ami-1",
    "image": {"virtualization": "hvm", "root_device_type": "ebs"},
    "instance_type": "t2.micro",
    "key_name": "",
    "iam_profile": "",
    "monitoring": True,
    "ebs_optimized": False,
    "kernel_id": "",
    "ramdisk_id": "",
    "spot_price": "",
    "public_ip": None,
    "tenancy": "",
    "metadata": {},
    "block_devices": [],
    "link_vpc": "",
    "link_groups": [],
    "user_data_sha256": "",
    "user_data_bytes": 0,
}


def a_configuration(**facts: Json) -> dict[str, Json]:
    return {**CONFIGURATION, **facts}


def a_scaling_group(name: str = "web", *, platform: Any = "classic", **facts: Json) -> Resource:
    """Two members of one to four, in sg-web."""
    merged: dict[str, Json] = {
        "holds": "instance",
        "state": "running",
        "zones": [ZONE],
        "subnets": [],
        "groups": ["sg-web"],
        "load_balancers": [],
        "configuration": CONFIGURATION,
        "other_source": "",
        "warm_pool": False,
        "min": 1,
        "max": 4,
        "desired": 2,
        "members": ["i-1", "i-2"],
        "settings": {"DefaultCooldown": 300, "HealthCheckType": "EC2", "HealthCheckGracePeriod": 0},
        "suspended": [],
        "metrics": [],
        "tags": {},
        "propagated": [],
        "hooks": [],
        "policies": [],
        "alarms": [],
        "scheduled": [],
        "notifications": {},
        **facts,
    }
    refers = {Ref("security_group", each) for each in merged["groups"]}
    refers |= {Ref("load_balancer", each) for each in merged["load_balancers"]}
    return Resource(Ref("auto_scaling_group", name), name, platform, merged, frozenset(refers))


def a_balancer(name: str = "front", *members: str) -> Resource:
    """In EC2-Classic, on port 80."""
    facts: dict[str, Json] = {
        "dns_name": f"{name}.elb.example",
        "hosted_zone": "Z1",
        "scheme": "internet-facing",
        "vpc": "",
        "zones": [ZONE],
        "subnets": [],
        "groups": [],
        "listeners": [
            {
                "protocol": "HTTP",
                "port": 80,
                "instance_protocol": "HTTP",
                "instance_port": 80,
                "certificate": "",
                "policies": [],
            }
        ],
        "backend_policies": [],
        "health_check": {
            "Target": "TCP:80",
            "Interval": 30,
            "Timeout": 5,
            "HealthyThreshold": 2,
            "UnhealthyThreshold": 2,
        },
        "source_group": {"owner": "amazon-elb", "name": "amazon-elb-sg"},
        "instances": list(members),
        "attributes": {},
        "policies": [],
        "tags": {},
    }
    refers = frozenset(Ref("instance", each) for each in members)
    return Resource(Ref("load_balancer", name), name, "classic", facts, refers)


def a_group_for_balancers(id_: str = "sg-web") -> Resource:
    """A Classic group that lets in whatever load balancer calls on port 80."""
    rule = {
        "protocol": "tcp",
        "from_port": 80,
        "to_port": 80,
        "group": "sg-elb",
        "owner": "amazon-elb",
        "group_name": "amazon-elb-sg",
        "description": "",
    }
    facts = {"description": id_, "owner": "1", "vpc": "", "tags": {}, "rules": [rule]}
    return Resource(Ref("security_group", id_), id_.removeprefix("sg-"), "classic", facts)
