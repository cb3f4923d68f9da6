"""`python -m turnpike.control.drain`: started by the supervisor, with its settings as one line on standard input."""

import os
import sys
from importlib import import_module

NICE = 15
"""A saturated machine answers first and writes the ledger after."""


def main() -> int:
    os.nice(NICE)
    # Behind it, so that the start of a gateway does not wait for this one's modules.
    return import_module("turnpike.control.drain.process").main()


if __name__ == "__main__":
    sys.exit(main())
