"""What the demo knows of the API: a few verbs over HTTP, as any other program would use them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx2

Thing = dict[str, Any]

PAGE = 100
WAIT_SECONDS = 10


class DemoFailed(RuntimeError):
    """The demo did not show what it should; the message says why."""


class Api:
    """`/v1` with one bearer's token."""

    def __init__(self, base: str, token: str, transport: httpx2.BaseTransport | None = None) -> None:
        self._http = httpx2.Client(
            base_url=base,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=WAIT_SECONDS + 30.0,
            transport=transport,
            trust_env=False,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def get(self, path: str, **query: str | int) -> Thing:
        """The resource at `path`; raises DemoFailed with the problem's own words."""
        return read(self._http.get(path, params=query))

    def all(self, path: str, **query: str | int) -> Iterator[Thing]:
        """Every item of a list, page by page."""
        page = self.get(path, limit=PAGE, **query)
        yield from page["items"]
        while page.get("next_cursor"):
            page = self.get(path, limit=PAGE, cursor=page["next_cursor"], **query)
            yield from page["items"]

    def post(self, path: str, body: Thing | None = None, if_match: str | None = None) -> Thing:
        """Ask for something; safe to repeat, as every POST of ours has its own key."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        if if_match is not None:
            headers["If-Match"] = if_match
        return read(self._http.post(path, json=body or {}, headers=headers))

    def etag(self, path: str) -> str:
        """The strong ETag of a resource as it is now."""
        answer = self._http.get(path)
        read(answer)
        return str(answer.headers["ETag"])

    def finished(self, path: str) -> Thing:
        """The resource once it is done."""
        seen = self.get(path)
        while not seen["done"]:
            seen = self.get(path, wait=WAIT_SECONDS)
        return seen


class SandboxDoor:
    """The simulated account's control door: who could call whom, all the time that the job ran."""

    def __init__(self, aws: str) -> None:
        self._http = httpx2.Client(base_url=aws, timeout=30.0, trust_env=False)

    def declare(self, flows: list[Thing]) -> None:
        """Have these flows watched from now on."""
        read(self._http.post("/_sandbox/flows", json={"flows": flows}))

    def outages(self) -> list[Thing]:
        """When a declared flow was down, in seconds of AWS's time."""
        found: list[Thing] = read(self._http.get("/_sandbox/outages"))["outages"]
        return found


def read(answer: httpx2.Response) -> Thing:
    """The JSON of a good answer; of a bad one, its problem's title and detail as DemoFailed."""
    if answer.is_success:
        body: Thing = answer.json() if answer.content else {}
        return body
    problem: Thing = {}
    if "json" in answer.headers.get("Content-Type", ""):
        problem = answer.json()
    words = ": ".join(str(problem[part]) for part in ("title", "detail") if part in problem)
    asked = f"{answer.request.method} {answer.request.url.path}"
    raise DemoFailed(f"{asked} was answered {answer.status_code}: {words or answer.text[:300]}")
