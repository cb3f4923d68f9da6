"""Servers of stand-in children, in this process or in one of their own."""

import asyncio
import io
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from turnpike.kit.files import read_json
from turnpike.kit.logs import Log, open_log
from turnpike.settings import Settings
from turnpike.supervisor.child import Backoff
from turnpike.supervisor.programs import Programs
from turnpike.supervisor.run import run
from turnpike.supervisor.server import Server

STANDIN = Path(__file__).with_name("standin.py")
QUICK = Backoff(base_s=0.05, cap_s=0.2, stable_after_s=1)


def standin(role: str, **options: object) -> tuple[str, ...]:
    return (sys.executable, "-S", str(STANDIN), role, *(f"{name}={value}" for name, value in options.items()))


def plain_start_s() -> float:
    """How long a stand-in takes here and now until it is ready, with nobody supervising it: what a restart is measured
    by, because the machine that tests run on is busy."""
    began = time.monotonic()
    with subprocess.Popen(standin("control"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"{}\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"turnpike-ready\n"
        took_s = time.monotonic() - began
        process.stdin.close()
    return took_s


def settings_for(folder: Path, **values: object) -> Settings:
    return Settings(_env_file=None, **{"data_dir": folder, "port": 0, "relays": 1, "drain_timeout_s": 5.0, **values})


def string_log() -> tuple[Log, io.StringIO]:
    """A log, and what is written to it."""
    out = io.StringIO()
    name = f"test-{id(out)}"
    log = open_log(name, "debug")
    handler = logging.getLogger(f"turnpike.{name}").handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(out)
    return log, out


def until(condition: Callable[[], object], what: str, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.01)


async def until_async(condition: Callable[[], object], what: str, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        await asyncio.sleep(0.01)


class StandinServer:
    """`turnpike serve` with stand-ins for its programs, as a process of its own."""

    def __init__(
        self,
        folder: Path,
        *,
        control: dict[str, object] | None = None,
        drain: dict[str, object] | None = None,
        relay: dict[str, object] | None = None,
        **settings: object,
    ) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        values = {"data_dir": str(folder), "port": 0, "relays": 1, "drain_timeout_s": 5.0, **settings}
        plan = {
            "settings": values,
            "control": standin("control", log=self.log, **(control or {})),
            "drain": standin("drain", log=self.log, **(drain or {})),
            "relay": standin("relay", log=self.log, **(relay or {})),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.servers", json.dumps(plan)],
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def events(self, what: str) -> list[str]:
        """Lines of the children's log about `what`, such as `relay started`."""
        text = self.log.read_text() if self.log.exists() else ""
        return [line for line in text.splitlines() if line.startswith(what)]

    def pids(self, role: str) -> list[int]:
        return [int(line.split()[-1]) for line in self.events(f"{role} started")]

    def wait_ready(self) -> str:
        """The address."""
        file = self.folder / "run" / "server.json"
        until(lambda: read_json(file).get("pid") == self.process.pid, "the server is ready")
        return read_json(file)["url"]

    def end(self, timeout_s: float = 10.0) -> tuple[int, str]:
        """Its exit code and its log, once it has ended."""
        try:
            _, text = self.process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, text

    def __enter__(self) -> "StandinServer":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        if not self.process.stderr.closed:
            self.process.communicate()


def main(argument: str) -> int:
    plan = json.loads(argument)

    async def serve() -> int:
        programs = Programs(control=plan["control"], drain=plan["drain"], relay=plan["relay"])
        settings = Settings(_env_file=None, **plan["settings"])
        return await run(Server(settings, open_log("supervisor", "debug"), programs=programs, backoff=QUICK))

    return asyncio.run(serve())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
