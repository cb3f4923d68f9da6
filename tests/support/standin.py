"""A stand-in for control, the drain or a relay: keeps the convention of turnpike.contract.processes and does what it is
told.

    python standin.py ROLE [OPTION=VALUE ...]

    role     `control`, `drain`, or `relay`: that one answers HTTP on its inherited socket
    slow     seconds that a relay takes for an answer
    stop     seconds from SIGTERM to the end; `never` ignores it
    fail     exit code to end with before being ready
    log      file that gets a line `<role> <what>` for what happens: started, sigterm, eof, ended

Only the standard library, so that it starts as fast as a relay does.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path


class Standin:
    def __init__(self, role: str, options: dict[str, str]) -> None:
        self.role = role
        self.options = options
        self.stop = asyncio.Event()
        self.running: set[asyncio.Task] = set()

    def note(self, what: str) -> None:
        if "log" in self.options:
            with Path(self.options["log"]).open("a") as file:
                file.write(f"{self.role} {what} {os.getpid()}\n")

    def on_sigterm(self) -> None:
        self.note("sigterm")
        if self.options.get("stop") != "never":
            self.stop.set()

    def on_eof(self) -> None:
        if not os.read(0, 1000):
            self.note("eof")
            asyncio.get_running_loop().remove_reader(0)
            self.stop.set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.running.add(task)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(float(self.options.get("slow", "0")))
        body = str(os.getpid()).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()
        self.running.discard(task)

    async def main(self) -> int:
        line = sys.stdin.buffer.raw.readline()
        settings = json.loads(line)
        self.note("started")
        if "fail" in self.options:
            return int(self.options["fail"])
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.on_sigterm)
        loop.add_reader(0, self.on_eof)
        server = None
        if self.role == "relay":
            server = await asyncio.start_server(self.answer, sock=socket.socket(fileno=settings["listen_fd"]))
        sys.stdout.write("turnpike-ready\n")
        sys.stdout.flush()
        await self.stop.wait()
        if server is not None:
            server.close()
        if self.running:
            await asyncio.wait(self.running)
        await asyncio.sleep(float(self.options.get("stop", "0")) if self.options.get("stop") != "never" else 0)
        self.note("ended")
        return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(Standin(sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:])).main()))
