"""A spaCy model of a few names, made on disk, and the worker that loads it as it would load a large one."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest

from turnpike.contract.processes import READY_LINE
from turnpike.contract.worker_settings import WorkerSettings

needs_spacy = pytest.mark.skipif(
    find_spec("presidio_analyzer") is None or find_spec("spacy") is None,
    reason="Presidio and spaCy are not installed (make names)",
)
NAMES = {"PERSON": ("Ada Lovelace", "Grace Hopper"), "GPE": ("Paris", "Zanzibar"), "ORG": ("Initech",)}
_MAKING = """
import json, sys, spacy
model = spacy.blank("en")
ruler = model.add_pipe("entity_ruler")
ruler.add_patterns([
    {"label": label, "pattern": name} for label, names in json.loads(sys.argv[2]).items() for name in names
])
model.to_disk(sys.argv[1])
"""


def make_model(folder: Path) -> Path:
    """In a process of its own: spaCy stays out of this one."""
    path = folder / "tiny-model"
    names = msgspec.json.encode(NAMES).decode()
    subprocess.run([sys.executable, "-c", _MAKING, str(path), names], check=True)
    return path


class Worker:
    """One `python -m turnpike.worker`, as the supervisor starts it. It can be stopped from answering."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path.with_suffix(".log")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(8)
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, models: dict[str, str]) -> None:
        settings = WorkerSettings(self._listener.fileno(), models)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "turnpike.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                pass_fds=(self._listener.fileno(),),
            )
        stdin: Any = self.process.stdin
        stdout: Any = self.process.stdout
        stdin.write(msgspec.json.encode(settings) + b"\n")
        async with asyncio.timeout(20):
            assert (await stdout.readline()).decode().strip() == READY_LINE, self.log.read_text()

    async def stop(self) -> None:
        process = self.process
        if process is not None and process.returncode is None:
            process.terminate()
            await process.wait()
        if process is not None:
            process._transport.close()  # pyright: ignore[reportAttributeAccessIssue, reportPrivateUsage]

    def close(self) -> None:
        self._listener.close()


@asynccontextmanager
async def worker_at(path: Path) -> AsyncIterator[Worker]:
    worker = Worker(path)
    try:
        yield worker
    finally:
        await worker.stop()
        worker.close()
