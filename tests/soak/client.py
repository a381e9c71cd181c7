"""The API as a stubborn program uses it: it asks again, with the same key, until it has an answer."""

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2

Thing = dict[str, Any]

PAGE = 100
AGAIN_AFTER = 0.3
AWAY = frozenset({429, 500, 502, 503, 504})


class Refused(RuntimeError):
    """The API's no, with its `status` and `code`."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.code = code


class Client:
    """`/v1` with one bearer's token, and patience of so many seconds with an API that is away."""

    def __init__(self, base: str, token: str, patience: float = 90.0) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._http = httpx2.Client(base_url=base, headers=headers, timeout=30.0, trust_env=False)
        self._patience = patience

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **query: str | int) -> Thing:
        """Raises Refused."""
        return self._read(self._send("GET", path, params=query))

    def all(self, path: str, **query: str | int) -> Iterator[Thing]:
        """Every item of a list."""
        page = self.get(path, limit=PAGE, **query)
        yield from page["items"]
        while page.get("next_cursor"):
            page = self.get(path, limit=PAGE, cursor=page["next_cursor"], **query)
            yield from page["items"]

    def post(self, path: str, body: Thing | None = None, if_match: str | None = None) -> Thing:
        """One key for all tries: however often it is sent, it is done once. Raises Refused."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        if if_match is not None:
            headers["If-Match"] = if_match
        return self._read(self._send("POST", path, json=body or {}, headers=headers))

    def etag(self, path: str) -> str:
        return str(self._send("GET", path).headers["ETag"])

    def _send(self, method: str, path: str, **rest: Any) -> httpx2.Response:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                answer = self._http.request(method, path, **rest)
                if answer.status_code not in AWAY and _code(answer) != "idempotency_in_progress":
                    return answer
                words = f"{answer.status_code} {answer.text[:300]}"
            except httpx2.TransportError as error:
                words = repr(error)
            if time.monotonic() > deadline:
                raise Refused(0, "away", f"{method} {path}: no answer in {self._patience:.0f} s: {words}")
            time.sleep(AGAIN_AFTER)

    def _read(self, answer: httpx2.Response) -> Thing:
        if answer.is_success:
            body: Thing = answer.json() if answer.content else {}
            return body
        asked = f"{answer.request.method} {answer.request.url.path}"
        raise Refused(answer.status_code, _code(answer), f"{asked}: {answer.status_code} {answer.text[:500]}")


class Door:
    """One lane's account from outside: its control door, and the looks past all faults."""

    def __init__(self, aws: str, lane: int) -> None:
        # The server closes connections that lie idle, and might do so just as one is used again.
        limits = httpx2.Limits(max_keepalive_connections=0)
        self._http = httpx2.Client(base_url=f"{aws}/lane/{lane}", timeout=120.0, trust_env=False, limits=limits)

    def close(self) -> None:
        self._http.close()

    def look(self, what: str, **asked: Any) -> Thing:
        """See tests.soak.worlds."""
        found: Thing = self._http.post(f"/_soak/{what}", json=asked).raise_for_status().json()
        return found

    def change(self, path: str, **asked: Any) -> Thing:
        """POST to the control door."""
        found: Thing = self._http.post(f"/_sandbox/{path}", json=asked).raise_for_status().json()
        return found

    def clear_faults(self) -> Counter[str]:
        """No more faults; how many calls those in force have hit, by kind."""
        found = self._http.get("/_sandbox/faults").raise_for_status().json()["faults"]
        self._http.delete("/_sandbox/faults").raise_for_status()
        hits: Counter[str] = Counter()
        for rule in found:
            hits[str(rule["code"] or rule["kind"])] += rule["hits"]
        return hits

    def outages(self) -> list[Thing]:
        """When a declared flow was down."""
        found: list[Thing] = self._http.get("/_sandbox/outages").raise_for_status().json()["outages"]
        return found


def _code(answer: httpx2.Response) -> str:
    if "json" not in answer.headers.get("Content-Type", ""):
        return ""
    body = answer.json()
    return str(body.get("code", "")) if isinstance(body, dict) else ""
