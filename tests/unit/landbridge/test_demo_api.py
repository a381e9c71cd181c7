"""The demo's client keeps the API's manners and repeats a problem in the API's own words."""

from __future__ import annotations

import httpx2
import pytest

from landbridge.demo_api import Api, DemoFailed


class Clerk:
    """Answers requests in order and keeps what was asked."""

    def __init__(self, *answers: httpx2.Response) -> None:
        self._answers = list(answers)
        self.asked: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        return self._answers.pop(0)


def api(clerk: Clerk) -> Api:
    return Api("http://api.test", "lb_secret", httpx2.MockTransport(clerk))


def test_a_list_is_read_to_its_last_page_with_the_same_filters() -> None:
    pages = [{"items": [{"id": 1}], "next_cursor": "c2"}, {"items": [{"id": 2}]}]
    clerk = Clerk(*(httpx2.Response(200, json=page) for page in pages))
    assert [item["id"] for item in api(clerk).all("/v1/things", kind="instance")] == [1, 2]
    assert [request.url.params["kind"] for request in clerk.asked] == ["instance", "instance"]
    assert clerk.asked[1].url.params["cursor"] == "c2"


def test_every_post_has_a_key_of_its_own_and_the_bearer() -> None:
    clerk = Clerk(httpx2.Response(202, json={}), httpx2.Response(202, json={}))
    client = api(clerk)
    client.post("/v1/things", {"a": 1})
    client.post("/v1/things", {"a": 1}, if_match='"v1"')
    assert len({request.headers["Idempotency-Key"] for request in clerk.asked}) == 2
    assert clerk.asked[1].headers["If-Match"] == '"v1"'
    assert clerk.asked[0].headers["Authorization"] == "Bearer lb_secret"


def test_a_problem_is_told_with_its_title_and_what_to_do() -> None:
    problem = {"title": "Blocked", "detail": "Mend the blockers and plan anew."}
    clerk = Clerk(httpx2.Response(409, json=problem, headers={"Content-Type": "application/problem+json"}))
    with pytest.raises(DemoFailed, match="POST /v1/x was answered 409: Blocked: Mend the blockers"):
        api(clerk).post("/v1/x")


def test_a_resource_is_waited_for_until_it_is_done() -> None:
    clerk = Clerk(*(httpx2.Response(200, json={"done": done}) for done in (False, False, True)))
    assert api(clerk).finished("/v1/inventories/inv_1") == {"done": True}
    assert [request.url.params.get("wait") for request in clerk.asked] == [None, "10", "10"]
