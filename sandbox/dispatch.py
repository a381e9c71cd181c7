"""One request to one answer: throttle, faults, validation, the handler, the check of what it said."""

from collections.abc import Mapping
from dataclasses import replace
from email.utils import format_datetime
from typing import Any

from sandbox import wire
from sandbox.calls import Call
from sandbox.check import check_answer, check_request
from sandbox.errors import AwsError
from sandbox.faults import Fault
from sandbox.service import handlers, prepare, services
from sandbox.throttle import throttled
from sandbox.wire import Asked, HttpAnswer, HttpRequest
from sandbox.wire_refusals import protocol_guess, service_guess, write_error
from sandbox.world import ROOT, Place, World


class AnswerLostError(Exception):
    """The connection closed before the answer: the caller cannot know whether its call took effect."""


def answer(world: World, request: HttpRequest) -> HttpAnswer:
    """With the sandbox's own time in it, as AWS tells its. Raises AnswerLostError where a fault says so,
    AssertionError for a mistake of the sandbox itself."""
    with world.lock:
        world.clock.run_due()
        reply = _answer(world, request)
        return replace(reply, headers={**reply.headers, "Date": format_datetime(world.clock.now(), usegmt=True)})


def _answer(world: World, request: HttpRequest) -> HttpAnswer:
    request_id = _request_id(world)
    try:
        asked = wire.understand(request, services())
    except AwsError as error:
        return write_error(service_guess(request), error, request_id, protocol_guess(request))
    world.caller = world.callers.get(asked.access_key, ROOT)
    place = world.place(world.caller.account_id, asked.region)
    prepare(place)
    return _Exchange(place, asked, request_id).answer()


class _Exchange:
    """A request that was understood, on its way to an answer."""

    def __init__(self, place: Place, asked: Asked, request_id: str) -> None:
        self._place = place
        self._world = place.world
        self._asked = asked
        self._request_id = request_id

    def answer(self) -> HttpAnswer:
        fault: Fault | None = None
        try:
            self._admit()
            fault = self._world.faults.strike(self._asked.service, self._asked.operation)
            self._hit_before(fault)
            result = self._handle(fault.seconds if fault and fault.kind == "hide_created" else None)
        except AwsError as error:
            slow_down = error.code == throttled(self._asked.service).code
            self._note(error.code, throttled=slow_down)
            if fault and fault.kind == "answer_lost":
                raise AnswerLostError from error
            return write_error(self._asked.service, error, self._request_id, self._asked.protocol)
        if fault and fault.kind == "answer_lost":
            self._note("answer lost")
            raise AnswerLostError
        self._note("ok")
        return wire.write(self._asked, result, self._request_id)

    def _admit(self) -> None:
        asked = self._asked
        self._world.throttle.admit(
            self._place.account_id, self._place.region, asked.service, asked.operation, asked.params
        )

    def _hit_before(self, fault: Fault | None) -> None:
        """Faults that keep the call from having an effect now."""
        match fault:
            case Fault(kind="throttled"):
                raise throttled(self._asked.service)
            case Fault(kind="server_error"):
                raise AwsError("InternalError", "An internal error has occurred", 500)
            case Fault(kind="error"):
                raise AwsError(fault.code, f"{fault.code} (a fault set on the sandbox)", fault.status)
            case Fault(kind="delayed"):
                self._world.clock.after(fault.seconds, self._land_late)
                self._note("answer lost")
                raise AnswerLostError

    def _land_late(self) -> None:
        """The effect of a call whose caller has long stopped waiting; a refusal reaches nobody."""
        try:
            self._handle(None)
        except AwsError as error:
            self._note(f"{error.code} (landed late)")

    def _handle(self, hide_created_for: float | None) -> Mapping[str, Any]:
        check_request(self._asked)
        handler = handlers().get((self._asked.service, self._asked.operation))
        if handler is None:
            raise AwsError("InvalidAction", f"The sandbox does not know {self._asked.name}.")
        if self._asked.params.get("DryRun"):
            raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        usual = self._world.hide_created_for
        if hide_created_for is not None:
            self._world.hide_created_for = hide_created_for
        try:
            result = handler(self._place, self._asked.params)
        finally:
            self._world.hide_created_for = usual
        check_answer(self._asked, result)
        self._world.clock.run_due()  # what this call set off without delay
        return result

    def _note(self, outcome: str, *, throttled: bool = False) -> None:
        place = self._place
        self._world.calls.add(
            Call(
                self._request_id,
                self._world.clock.now(),
                place.account_id,
                place.region,
                self._asked.name,
                outcome,
            ),
            throttled=throttled,
        )


def _request_id(world: World) -> str:
    digits = f"{world.random.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
