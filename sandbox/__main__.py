"""`python -m sandbox`: a simulated AWS account on a port, until SIGTERM."""

import argparse
import json
import logging
import signal
import socket
import sys

import uvicorn

from sandbox.running import EMPTY, Running, scenarios
from sandbox.server import Server
from sandbox.service import handlers


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # also what uvicorn ends with, once it has closed
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    handlers()
    try:
        running = Running(options.scenario, options.time_scale, options.seed, not options.no_throttle)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with socket.create_server((options.host, options.port)) as listening:
        host, port = listening.getsockname()[:2]
        sys.stdout.write(json.dumps({"aws": f"http://{host}:{port}"}) + "\n")
        sys.stdout.flush()  # connections made from now on wait in the socket until uvicorn takes them
        config = uvicorn.Config(
            Server(running),
            log_config=None,
            access_log=False,
            lifespan="off",
            date_header=False,  # answers tell the sandbox's time
            timeout_graceful_shutdown=2,
        )
        uvicorn.Server(config).run(sockets=[listening])
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--scenario", default=EMPTY, help=f"what the account holds: {', '.join(scenarios())}")
    parser.add_argument("--time-scale", type=float, default=1.0, help="seconds of the sandbox in one real second")
    parser.add_argument("--seed", type=int, default=0, help="of ids and of chance")
    parser.add_argument("--no-throttle", action="store_true", help="leave AWS's request throttles off")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
