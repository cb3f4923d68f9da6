"""Where the `turnpike` command begins. Imports next to nothing: see turnpike.supervisor.early."""

import sys
from importlib import import_module

from turnpike.supervisor import early


def main() -> None:
    if sys.platform == "win32":
        sys.exit("turnpike: Windows is not supported; run it in WSL 2 or in a container")
    arguments = sys.argv[1:]
    if arguments[:1] == ["serve"] and not {"-h", "--help"} & set(arguments):
        early.start()
    try:
        # After control was started, not before: reading the command's own modules takes as long as half of control's.
        code = import_module("turnpike.cli.app").run(arguments)
    finally:
        early.drop()
    sys.exit(code)
