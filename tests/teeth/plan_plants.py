"""Bugs in what is planned, how it is judged, and how Auto Scaling groups are moved."""

from tests.teeth.plant import Plant

JUDGE = "tests/unit/planning/test_outage.py"
SPOILED = "tests/unit/planning/test_spoiled_plans.py::test_every_spoiling_of_a_shop_is_seen_and_told"
MOVES = "tests/scenarios/test_auto_scaling_moves.py"
GROUP = "tests/unit/resources/test_auto_scaling_group.py"

PLAN_PLANTS = (
    Plant(
        "barred-unseen",
        "the judge overlooks that no rule of a group lets a caller in",
        "app/planning/crossings.py",
        """\
            window = Window(opens, self._opening(ask), "barred", self._missing(ask))
            self._windows.add(window, sources, {target})
""",
        """\
            return
""",
        (SPOILED,),
    ),
    Plant(
        "left-unseen",
        "the judge overlooks callers that stay behind in EC2-Classic without a link",
        "app/planning/outage.py",
        "                crossings.left(inside, target)\n",
        "",
        (JUDGE,),
    ),
    Plant(
        "ahead-unseen",
        "the judge overlooks callers that are in the VPC before what they call",
        "app/planning/outage.py",
        "            crossings.ahead(alike, called)\n",
        "",
        (JUDGE,),
    ),
    Plant(
        "order-by-schedule",
        "the judge takes one step to come before another because it is estimated to",
        "app/planning/ordering.py",
        "        if earlier in self._bits:\n            return bool(self._ended[later] & self._bits[earlier])\n",
        "        if earlier in self._times:\n            return self._times[earlier][1] <= self._times[later][0]\n",
        (JUDGE,),
    ),
    Plant(
        "rows-by-schedule",
        "the judge counts members as out one after the other because it is estimated so",
        "app/planning/fronts.py",
        """\
        return self._order.before(closes[0], step) or (side == "end" and closes[0] == step)
""",
        """\
        return self._order.time(closes) <= self._order.time(later.opens)
""",
        (JUDGE,),
    ),
    Plant(
        "turns-forgotten",
        "all members of a load balancer that have to be stopped are stopped at once",
        "app/resources/turns.py",
        "            after[later] = after.get(later, frozenset()) | {in_service(earlier)}\n",
        "            after[later] = after.get(later, frozenset())\n",
        ("tests/unit/resources/test_turns.py",),
    ),
    Plant(
        "others-not-counted",
        "a member is stopped although others behind its load balancer have failed meanwhile",
        "app/resources/turns.py",
        "        if instance in serving and len(serving) - 1 < least:\n",
        "        if instance in serving and len(serving) - 1 < 0:\n",
        ("tests/scenarios/test_members_take_turns.py",),
    ),
    Plant(
        "known-by-its-old-address",
        "undo starts a source and leaves it to a load balancer that knows it by the address it had",
        "app/resources/instance_stop.py",
        "            await _register_anew(run, name)\n",
        "            await in_service_behind(run, name)\n",
        ("tests/scenarios/test_members_take_turns.py",),
    ),
    Plant(
        "freeze-not-kept",
        "nobody notices that a suspended process of Auto Scaling was switched back on",
        "app/resources/auto_scaling_freezing.py",
        "        if on:\n",
        "        if on and run.recovering:\n",
        (f"{MOVES}::test_a_process_that_somebody_switched_back_on_halts_the_job_before_the_drain",),
    ),
    Plant(
        "drained-too-early",
        "an Auto Scaling group is drained before its twin is in service",
        "app/resources/auto_scaling_draining.py",
        "            needs |= {in_service(resource.ref), step_id(ScaleUp.action, resource.ref)}\n",
        "",
        (GROUP,),
    ),
    Plant(
        "newcomers-forgotten",
        "members that come while the application moves do not get behind the twins of its load balancers",
        "app/resources/auto_scaling_registering.py",
        'await _register(run, await named_group(run, run.params["name"]), run.params["twins"], run.params)\n',
        'await named_group(run, run.params["name"])\n',
        (f"{MOVES}::test_a_member_replaced_while_the_application_moves_is_linked_and_registered_like_the_others",),
    ),
    Plant(
        "twin-not-frozen",
        "the twin of an Auto Scaling group scales by itself from the beginning",
        "app/resources/auto_scaling_twin.py",
        """\
        await run.cloud.call("autoscaling.suspend_processes", AutoScalingGroupName=name, ScalingProcesses=list(SCALING))
        return {"counterpart": name}
""",
        """\
        return {"counterpart": name}
""",
        (f"{MOVES}::test_the_twin_scales_by_itself_only_when_the_source_is_empty",),
    ),
)
