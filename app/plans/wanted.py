"""What people send to make or change a plan."""

from ipaddress import IPv4Network
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.manners.ids import BodyId
from app.planning.plan import PHASES

PlanName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
RefText = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*:.+$", max_length=300)]
AwsName = Annotated[str, StringConstraints(min_length=1, max_length=255)]
StrategyName = Literal["all_at_once", "incremental"]


def is_a_gate(text: str) -> str:
    """Gates stand before a phase that a plan can have."""
    if text not in {f"before:{phase}" for phase in PHASES}:
        raise ValueError(f"a gate is before:<phase>, and the phases are {', '.join(PHASES)}")
    return text


def is_a_vpc_cidr(text: str) -> str:
    """EC2 takes an IPv4 network between /16 and /28 for a VPC."""
    try:
        network = IPv4Network(text)
    except ValueError:
        raise ValueError("a CIDR is an IPv4 network without host bits, for example 172.20.0.0/16") from None
    if not 16 <= network.prefixlen <= 28:
        raise ValueError("a VPC's CIDR is between /16 and /28, for example 172.20.0.0/16")
    return text


Gate = Annotated[str, AfterValidator(is_a_gate)]
VpcCidr = Annotated[str, AfterValidator(is_a_vpc_cidr)]


class Wanted(BaseModel):
    """Unknown fields are refused: a misspelt setting would otherwise be one that nobody misses."""

    model_config = ConfigDict(extra="forbid")


class PlanScope(Wanted):
    """What moves: these refs, and whatever has these tags; what they refer to comes along or is a finding."""

    refs: list[RefText] | None = Field(default=None, max_length=100_000)
    tags: dict[str, str] | None = Field(default=None, description="all of them must match")

    @model_validator(mode="after")
    def says_something(self) -> Self:
        """An empty scope could mean all or nothing."""
        if self.refs is None and not self.tags:
            raise ValueError("name refs or tags; leave the scope out to move all that is Classic")
        return self


class VpcToCreate(Wanted):
    """A VPC to be made for the move, with a subnet in every zone in use."""

    cidr: VpcCidr


class PlanTarget(Wanted):
    """Where things go: into a VPC that is there (`vpc_id`), or into one to be made (`create`)."""

    vpc_id: AwsName | None = None
    subnets: dict[str, str] | None = Field(
        default=None, description="zone -> subnet; may be left out where the VPC has one per zone"
    )
    db_subnet_group: AwsName | None = None
    create: VpcToCreate | None = None

    @model_validator(mode="after")
    def is_one_of_both(self) -> Self:
        """What is to be made has no subnets yet."""
        if (self.vpc_id is None) == (self.create is None):
            raise ValueError("give either vpc_id, or create with a cidr")
        if self.create is not None and (self.subnets or self.db_subnet_group):
            raise ValueError("a VPC that is to be made gets its own subnets and DB subnet group: leave them out")
        return self


class PlanSettings(Wanted):
    """How the plan is carried out."""

    max_parallel_instances: int = Field(default=20, ge=1, le=10_000)
    max_out_of_service: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="incremental: how many members of one load balancer may be out of service at once, where moving "
        "them takes them out; absent: a quarter of them, and one at least",
    )
    gates: list[Gate] = Field(default_factory=list, max_length=len(PHASES), description="before:<phase>")
    on_failure: Literal["halt", "undo"] = "halt"
    soak_seconds: float = Field(default=0.0, ge=0, le=604_800, description="how long a cutover stands before it counts")


# Plain keys: generated clients know no patterns of property names. What they must be is checked with the inventory.
Overrides = dict[str, dict[str, Any]]


class PlanCreate(Wanted):
    """A plan to make."""

    inventory_id: BodyId
    name: PlanName
    strategy: StrategyName
    scope: PlanScope | None = Field(default=None, description="absent: all that is Classic")
    target: PlanTarget
    settings: PlanSettings = Field(default_factory=PlanSettings)
    overrides: Overrides = Field(default_factory=dict, description="by ref: what its kind may be told")


class PlanUpdate(Wanted):
    """What to plan otherwise; what is left out stays, `scope: null` is all that is Classic again."""

    inventory_id: BodyId | None = None
    name: PlanName | None = None
    strategy: StrategyName | None = None
    scope: PlanScope | None = None
    target: PlanTarget | None = None
    settings: PlanSettings | None = None
    overrides: Overrides | None = None
