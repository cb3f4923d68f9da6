"""Writes the reference part of docs/cli.md from the commands themselves: `python -m turnpike.cli.reference`."""

import sys
from pathlib import Path

from turnpike.cli.app import build

MARK = "<!-- what follows is generated: python -m turnpike.cli.reference -->\n"


def reference() -> str:
    """Markdown of every command, as its own help has it."""
    text = build().generate_docs(heading_level=2)
    # The first heading is the document's own, and its table of contents repeats the list of commands below it.
    _, _, commands = text.partition("## Table of Contents")
    _, _, commands = commands.partition("**Commands**")
    return f"**Commands**{commands.rstrip()}\n"


def renewed(document: str) -> str:
    """The document with its generated part made anew."""
    written, mark, _ = document.partition(MARK)
    if not mark:
        sys.exit(f"no line {MARK.strip()!r} to write behind")
    return f"{written}{MARK}\n{reference()}"


def main() -> None:
    path = Path("docs/cli.md")
    path.write_text(renewed(path.read_text()))
    sys.stderr.write(f"{path}: renewed\n")


if __name__ == "__main__":
    main()
