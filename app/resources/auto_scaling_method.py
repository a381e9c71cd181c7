"""How one Auto Scaling group moves: what it launches in the VPC, behind whose twins, and who is linked meanwhile.

incremental  link_configuration → switch_configuration → link_members → register_members, and at its own cutover
             create_template, create, equip → freeze → scale_up → drain → thaw: two groups stand side by side, and
             only while neither scales by itself
all_at_once  freeze → drain → scale_up → thaw, with nothing linked
"""

import re
from collections.abc import Mapping, Sequence

from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Milestone, StepId, step_id
from app.resources.classic_link_steps import Enable, EnableDns
from app.resources.linking import link_ref, moving_groups, must_link
from app.resources.load_balancer_members import takes_linked, twin_promise
from app.resources.vpc_group import short_hash

SUBJECT = "auto_scaling_group"
LONGEST_NAME = 255  # of a group or a launch configuration (BC:XmlStringMaxLen255)
NOT_IN_A_TEMPLATE = re.compile(r"[^a-zA-Z0-9().\-/_]")  # BC:LaunchTemplateName
LONGEST_TEMPLATE_NAME = 128

# What changes a group's size, or its members, by itself and not because one is lost. Launch, Terminate, HealthCheck
# and ReplaceUnhealthy go on: without them a member that fails would be missed for good.
SCALING = ("AZRebalance", "AlarmNotification", "InstanceRefresh", "ScheduledActions")

# Seconds on AWS's clock, of which AWS publishes none: typical ones.
LAUNCH_SECONDS = 45.0  # from a group's new size until its members run
# Whoever listens to a lifecycle hook answers when he likes, where nobody does it holds until its heartbeat's timeout.
LONGEST_HOOK_SECONDS = 300.0
DRAIN_SECONDS = 15.0  # until the connections of a member have ended
TERMINATE_SECONDS = 20.0
KEEP_EVERY = 15.0  # how long a newcomer may go unregistered, and a process that was switched back on unseen
KEEP_LINKS_EVERY = 60.0  # AWS links newcomers itself: this is for those few that were started while it was told to
# How long members may take beside what hooks hold them for, before a person has to look.
PATIENCE = 3600.0


def linked_vpc(group: Resource) -> str:
    """The VPC its launch configuration links every member to already; "" for none."""
    return str(group.facts["configuration"].get("link_vpc", ""))


def linked_by_hand(group: Resource, ctx: Context) -> bool:
    """Whether its members have to be linked by this plan."""
    return must_link(group, ctx) and bool(moving_groups(group, ctx))


def gets_configuration(group: Resource, ctx: Context) -> bool:
    """Whether it needs a launch configuration that links what it starts."""
    return linked_by_hand(group, ctx) and bool(group.facts["configuration"]) and not linked_vpc(group)


def link_groups(group: Resource, ctx: Context) -> list[Json]:
    """The VPC's groups that its members are linked with: as it links them already, else the twins of its own."""
    return list(group.facts["configuration"]["link_groups"]) if linked_vpc(group) else moving_groups(group, ctx)


def link_params(group: Resource, ctx: Context) -> dict[str, Json]:
    """How its members are linked: {} where they are not."""
    if not linked_by_hand(group, ctx):
        return {}
    return {"vpc_id": ctx.vpc_id, "group_ids": link_groups(group, ctx)}


def link_switches(ctx: Context) -> set[StepId]:
    """The steps that ClassicLink has to be enabled by first."""
    vpc = ctx.vpc.ref if ctx.vpc else Ref("vpc", "new")
    state = ctx.inventory.get(link_ref(ctx.target.vpc_id or "new"))
    wanted = ((Enable.action, "enabled"), (EnableDns.action, "dns_support"))
    return {step_id(action, vpc) for action, fact in wanted if not (state and state.facts[fact])}


def rules(group: Resource) -> set[Milestone]:
    """The twins of its security groups have their rules."""
    return {Milestone("ready", Ref("security_group", each)) for each in group.facts["groups"]}


def balancers(group: Resource, ctx: Context) -> list[Resource]:
    """The moving load balancers it is attached to, in order."""
    found = (ctx.inventory.get(Ref("load_balancer", name)) for name in group.facts["load_balancers"])
    return [each for each in found if each and ctx.moves(each.ref)]


def fronts(group: Resource, ctx: Context) -> list[Resource]:
    """Those of them whose twins its linked members can stand behind."""
    return [each for each in balancers(group, ctx) if takes_linked(each, group, ctx)]


def twins(some: Sequence[Resource]) -> list[Json]:
    """The promised names of the load balancers' twins."""
    return [twin_promise(each.ref) for each in some]


def configured(some: Sequence[Resource]) -> set[StepId]:
    return {step_id("load_balancer.configure", each.ref) for each in some}


def movable(group: Resource, ctx: Context) -> bool:
    """Whether this plan makes its counterpart: what has no launch configuration has a blocker instead."""
    return ctx.moves(group.ref) and bool(group.facts["configuration"])


def drain_step(group: Resource, ctx: Context) -> frozenset[StepId | Milestone]:
    """What ends the keeping of links and registrations: from then on no member comes any more."""
    return frozenset({step_id(f"{SUBJECT}.drain", group.ref)} if movable(group, ctx) else ())


def twin_name(group: Resource, ctx: Context) -> str:
    """The twin's name: at most 255 characters, unique in the account and region."""
    wanted = ctx.override(group.ref, "name")
    if wanted:
        return str(wanted)
    groups = list(ctx.inventory.of(SUBJECT))
    taken = {each.name for each in groups}
    taken |= {_plain_name(each.name) for each in groups if ctx.moves(each.ref) and each.ref < group.ref}
    plain = _plain_name(group.name)
    return plain if plain not in taken else f"{group.name[: LONGEST_NAME - 9]}-{short_hash(group.name)}"


def _plain_name(name: str) -> str:
    return f"{name[: LONGEST_NAME - 4]}-vpc"


def template_name(group: Resource) -> str:
    """What its launch template's name begins with; a hash of job and step follows."""
    return NOT_IN_A_TEMPLATE.sub("-", group.name)[: LONGEST_TEMPLATE_NAME - 13]


def hook_seconds(group: Resource, transition: str) -> float:
    """For how long the lifecycle hooks of a transition ("LAUNCHING", "TERMINATING") may hold a member."""
    held = (hook for hook in group.facts["hooks"] if str(hook["LifecycleTransition"]).endswith(transition))
    return max((float(hook.get("GlobalTimeout", 3600)) for hook in held), default=0.0)


def held_seconds(group: Resource, transition: str) -> float:
    """For how long they are expected to hold one."""
    held = (hook for hook in group.facts["hooks"] if str(hook["LifecycleTransition"]).endswith(transition))
    timeout = max((float(hook.get("HeartbeatTimeout", 3600)) for hook in held), default=0.0)
    return min(timeout, LONGEST_HOOK_SECONDS)


def sizes(group: Resource) -> Mapping[str, Json]:
    return {name: group.facts[name] for name in ("min", "max", "desired")}
