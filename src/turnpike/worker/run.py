"""The worker's life: settings in, models loaded, questions answered until it is told to stop.

Started as every child of the supervisor (turnpike.contract.processes). It listens at once, so that who asks while a
model is being loaded waits, as long as they like to, and is answered.
"""

import asyncio
import signal
import socket
import sys

import msgspec

from turnpike.contract.processes import READY_LINE
from turnpike.contract.worker_settings import WorkerSettings
from turnpike.kit.logs import Log, open_log
from turnpike.kit.parent import watch_parent
from turnpike.worker.names.desk import NamesDesk


def main() -> None:
    """Process entry. Exits 2 when the settings cannot be read."""
    line = sys.stdin.buffer.readline()
    try:
        settings = msgspec.json.decode(line, type=WorkerSettings)
    except msgspec.DecodeError as error:
        sys.exit(f"turnpike worker: unreadable settings on standard input: {error}")
    log = open_log("worker", settings.log_level, settings.log_format)
    asyncio.run(serve(settings, log))


async def serve(settings: WorkerSettings, log: Log) -> None:
    """Until SIGTERM, SIGINT or the end of standard input."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await watch_parent(stop)
    desk = NamesDesk(settings.names_models, log)
    server = await asyncio.start_unix_server(desk.talk, sock=socket.socket(fileno=settings.names_fd))
    sys.stdout.write(READY_LINE + "\n")
    sys.stdout.flush()
    desk.open()
    await stop.wait()
    server.close()
    desk.close()
    log.info("stopped")
