"""`python -m turnpike.simulator`: the simulator as a process of its own."""

import argparse
import sys
from pathlib import Path

from turnpike.simulator import DEFAULT_PORT, run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m turnpike.simulator", description="Simulated model provider.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--api-key", help="refuse callers that do not send this key")
    parser.add_argument("--call-log", type=Path, help="append one line of JSON a call to this file")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input ends")
    given = parser.parse_args()
    try:
        run(given.host, given.port, given.api_key, given.call_log, with_parent=given.with_parent)
    except OSError as error:
        sys.exit(f"The simulator cannot start on {given.host}:{given.port}: {error}")


if __name__ == "__main__":
    main()
