"""A small shop in EC2-Classic as rows: an account, what was discovered in it, and plans and jobs for it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from app.db import Database, new_id
from app.inventories.models import Inventory, InventoryFlow, InventoryResource
from tests.api.conftest import Client

ACCOUNT = {"name": "shop", "aws_account_id": "123456789012", "regions": ["us-east-1"]}
OWNER = "123456789012"

VPC = "vpc-0123456789abcdef0"
OTHER_VPC = "vpc-0fedcba9876543210"
SUBNET_A, SUBNET_B, SUBNET_OTHER = "subnet-0aaaaaaaaaaaaaaa0", "subnet-0bbbbbbbbbbbbbbb0", "subnet-0cccccccccccccccc"

WEB, DB = "security_group:sg-web", "security_group:sg-db"


def rule(**source: Any) -> dict[str, Any]:
    return {"protocol": "tcp", "from_port": 80, "to_port": 80, "description": "", **source}


def group(id_: str, name: str, rules: list[dict[str, Any]], refers_to: list[str] | None = None) -> dict[str, Any]:
    facts = {"description": name, "owner": OWNER, "vpc": "", "rules": rules, "tags": {"app": "shop"}}
    return resource(f"security_group:{id_}", name, "classic", facts, refers_to)


def vpc(id_: str) -> dict[str, Any]:
    facts = {
        "cidrs": ["172.20.0.0/16"],
        "tenancy": "default",
        "is_default": False,
        "dns_support": True,
        "dns_hostnames": True,
        "internet_gateway": "igw-1",
        "routes": [],
        "main_table": "rtb-1",
        "subnet_tables": {},
        "classic_link": True,
        "classic_link_dns": True,
        "tags": {},
    }
    return resource(f"vpc:{id_}", id_, "vpc", facts)


def subnet(id_: str, zone: str, vpc_id: str = VPC) -> dict[str, Any]:
    facts = {
        "vpc": vpc_id,
        "zone": zone,
        "cidr": "172.20.0.0/24",
        "free_addresses": 250,
        "public_by_default": True,
        "tags": {},
    }
    return resource(f"subnet:{id_}", id_, "vpc", facts, [f"vpc:{vpc_id}"])


def resource(
    ref: str, name: str, platform: str, facts: dict[str, Any], refers_to: list[str] | None = None
) -> dict[str, Any]:
    kind = ref.split(":", maxsplit=1)[0]
    return {
        "ref": ref,
        "kind": kind,
        "name": name,
        "platform": platform,
        "facts": facts,
        "refers_to": refers_to or [],
    }


SHOP: list[dict[str, Any]] = [
    group("sg-web", "web", [rule(cidr="0.0.0.0/0")]),
    group("sg-db", "db", [rule(group="sg-web", owner=OWNER, group_name="web")], [WEB]),
    vpc(VPC),
    vpc(OTHER_VPC),
    subnet(SUBNET_A, "us-east-1a"),
    subnet(SUBNET_B, "us-east-1b"),
    subnet(SUBNET_OTHER, "us-east-1a", OTHER_VPC),
]

# A group that admits another account's: its finding is a warning.
FOREIGN = group("sg-foreign", "foreign", [rule(group="sg-x", owner="999999999999", group_name="x")])
# More rules than a VPC group takes: its finding is a blocker.
CROWDED = group("sg-crowded", "crowded", [rule(cidr=f"192.0.2.{number}/32") for number in range(61)])

FLOW = {
    "id": "flow-1",
    "rule": "security_group:sg-web admits 0.0.0.0/0",
    "sources": ["cidr:0.0.0.0/0"],
    "targets": ["instance:i-1"],
    "protocol": "tcp",
    "from_port": 80,
    "to_port": 80,
    "verdict": "kept",
    "reason": "",
    "interruptions": [],
}


async def an_account(client: Client, name: str = "shop") -> str:
    made = await client.post("/v1/accounts", json=ACCOUNT | {"name": name})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def an_inventory(
    database: Database,
    account_id: str,
    *,
    status: str = "ready",
    resources: list[dict[str, Any]] | None = None,
    errors: list[Any] | None = None,
) -> str:
    """An inventory as a worker would have left it."""
    found = SHOP if resources is None else resources
    row = Inventory(
        id=new_id("inv"),
        account_id=account_id,
        region="us-east-1",
        status=status,
        errors=errors or [],
        counts={"resources": len(found), "flows": 1, "kinds": {}, "platforms": {}} if status == "ready" else {},
    )
    async with database.transaction() as session:
        session.add(row)
        await session.flush()
        session.add_all([InventoryResource(inventory_id=row.id, **one) for one in found])
        session.add(InventoryFlow(inventory_id=row.id, id=FLOW["id"], body=FLOW))
    return row.id


def plan_body(inventory_id: str, /, **changed: Any) -> dict[str, Any]:
    """A good plan of the shop."""
    body = {
        "inventory_id": inventory_id,
        "name": "shop to VPC",
        "strategy": "incremental",
        "target": {"vpc_id": VPC, "subnets": {"us-east-1a": SUBNET_A}},
    }
    return body | changed


async def a_plan(client: Client, database: Database, **changed: Any) -> dict[str, Any]:
    """A draft plan of the shop, made over HTTP."""
    account_id = await an_account(client, changed.pop("account", "shop"))
    inventory_id = await an_inventory(database, account_id, resources=changed.pop("resources", None))
    made = await client.post("/v1/plans", json=plan_body(inventory_id, **changed))
    assert made.status_code == 201, made.text
    body: dict[str, Any] = made.json()
    return body


async def execute(database: Database, statement: str, **values: Any) -> None:
    """Do what a worker would have done."""
    async with database.transaction() as session:
        await session.execute(text(statement), values)


def pointers(problem: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where a problem points, and what it says is wrong there."""
    return [(error["pointer"], error["code"]) for error in problem["errors"]]
