"""Asking a person, without keeping the server from its work or from a Ctrl-C."""

import asyncio
import os
import sys


def can_ask() -> bool:
    """A person sits there: both ends are a terminal, and we are in its foreground (reading elsewhere would stop us)."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return False


async def ask(question: str) -> str | None:
    """One line, without its end. None when the terminal was closed."""
    sys.stdout.write(question)
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[None] = loop.create_future()
    descriptor = sys.stdin.fileno()
    loop.add_reader(descriptor, lambda: None if typed.done() else typed.set_result(None))
    try:
        await typed
    finally:
        loop.remove_reader(descriptor)
    data = os.read(descriptor, 4096)
    return data.decode(errors="replace").strip() if data else None
