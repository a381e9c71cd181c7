"""`python -m tests.soak.accounts`: several simulated AWS accounts behind one endpoint, one for each lane.

A client is led to its lane by the keys that it got from assuming that lane's role. The lane's control door,
and the looks past all faults, are under /lane/<number>.
"""

import argparse
import asyncio
import json
import logging
import re
import signal
import socket
import sys
from typing import Any
from urllib.parse import unquote

import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from sandbox.server import Server
from sandbox.service import handlers
from tests.soak.worlds import Lane

LOOK = "/_soak/"
_LANE = re.compile(r"/lane/(\d+)(/.*)")
_KEY = re.compile(r"Credential=(\w+)/")
_ROLE = re.compile(r"role/lane-(\d+)\b")
_GIVEN = re.compile(rb"<AccessKeyId>(\w+)<")


class Accounts:
    """An ASGI application."""

    def __init__(self, count: int, time_scale: float) -> None:
        self._lanes = [Lane("none", time_scale, seed) for seed in range(count)]
        self._servers = [Server(lane) for lane in self._lanes]
        self._lane_of: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _LANE.fullmatch(scope["path"])
        if found is None:
            await self._aws(scope, receive, send)
            return
        lane, path = int(found[1]), found[2]
        if path.startswith(LOOK):
            asked = json.loads(await _whole(receive) or b"{}")
            seen = await run_in_threadpool(self._lanes[lane].look, path.removeprefix(LOOK), asked)
            await _answer(send, json.dumps(seen, default=str).encode())
            return
        await self._servers[lane]({**scope, "path": path, "raw_path": path.encode()}, receive, send)

    async def _aws(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        key = _KEY.search(headers.get("authorization", ""))
        lane = self._lane_of.get(key[1]) if key else None
        if lane is not None:
            await self._servers[lane](scope, receive, send)
            return
        body = await _whole(receive)
        asked = _ROLE.search(unquote(body.decode("latin-1")))
        lane = int(asked[1]) if asked else 0
        world = self._lanes[lane].world
        world.roles[_role(body)] = ""
        heard = _Heard(send)
        await self._servers[lane](scope, _Repeated(body, receive).receive, heard.send)
        if given := _GIVEN.search(heard.body):
            self._lane_of[given[1].decode()] = lane


class _Repeated:
    """Gives a body that was read once more, then what comes after it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def receive(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _Heard:
    """Passes an answer on and keeps its body; has the transport where the server looks for it to hang up."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.transport: Any = send.__self__.transport  # type: ignore[attr-defined]
        self.body = b""

    async def send(self, message: Message) -> None:
        self.body += message.get("body", b"")
        await self._send(message)


def _role(body: bytes) -> str:
    found = re.search(r"RoleArn=([^&]+)", unquote(body.decode("latin-1")))
    return found[1] if found else ""


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _answer(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.soak.accounts", description=__doc__)
    parser.add_argument("--lanes", type=int, default=1)
    parser.add_argument("--time-scale", type=float, default=100.0)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    handlers()
    accounts = Accounts(options.lanes, options.time_scale)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        sys.stdout.write(json.dumps({"aws": f"http://127.0.0.1:{port}"}) + "\n")
        sys.stdout.flush()
        config = uvicorn.Config(
            accounts,
            log_config=None,
            access_log=False,
            lifespan="off",
            date_header=False,
            timeout_graceful_shutdown=2,
        )
        asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
