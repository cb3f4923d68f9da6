"""The drain as a process, so that neither its work nor its low priority ever holds up control's loop."""

import asyncio
import signal
import sys

import structlog
import uvloop

from turnpike.contract.processes import READY_LINE
from turnpike.control import logs
from turnpike.control.drain.board import Board
from turnpike.control.drain.courtesy import Turnstile
from turnpike.control.drain.runner import DrainRunner
from turnpike.kit.parent import watch_parent
from turnpike.settings import Settings

SHOW_S = 0.25
log = structlog.get_logger(__name__)


def main() -> int:
    line = sys.stdin.readline()
    if not line:
        return 0  # the supervisor was gone before it said anything
    settings = Settings.from_parent(line)
    logs.configure(settings, "drain")
    board = Board(settings)
    board.take()
    return uvloop.run(run(settings, board))


async def run(settings: Settings, board: Board) -> int:
    """Drains until standard input ends or SIGTERM comes, and then what is there. Returns the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await watch_parent(stop)
    runner = DrainRunner(settings, Turnstile(board.memory))
    await runner.start()
    showing = asyncio.create_task(_show(board, runner), name="show")
    sys.stdout.write(READY_LINE + "\n")
    sys.stdout.flush()
    await stop.wait()
    await runner.stop()
    showing.cancel()
    board.show(runner.state)
    log.info("drain_ended", rows=runner.state.rows)
    return 0


async def _show(board: Board, runner: DrainRunner) -> None:
    while True:
        board.show(runner.state)
        await asyncio.sleep(SHOW_S)
