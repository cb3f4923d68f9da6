"""`python -m turnpike.control`: started by the supervisor, with its settings as one line on standard input."""

import sys

import uvloop

from turnpike.control import logs
from turnpike.control.run import run
from turnpike.settings import Settings


def main() -> int:
    line = sys.stdin.readline()
    if not line:
        return 0  # the supervisor was gone before it said anything
    settings = Settings.from_parent(line)
    logs.configure(settings)
    return uvloop.run(run(settings))


if __name__ == "__main__":
    sys.exit(main())
