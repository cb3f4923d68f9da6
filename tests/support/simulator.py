"""A simulator in a process of its own, as tests meet it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from turnpike.contract.processes import READY_LINE


@dataclass
class RunningSimulator:
    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        """Without a path: what the `anthropic` SDK takes as its base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    def calls(self, *, bodies: bool = False, last: int | None = None) -> list[dict[str, Any]]:
        """The call log, oldest first."""
        query: dict[str, str] = {"bodies": "1"} if bodies else {}
        if last is not None:
            query["last"] = str(last)
        response = httpx2.get(f"{self.url}/_sim/calls", params=query)
        response.raise_for_status()
        return response.json()["calls"]

    def calls_of(self, request_id: str) -> list[dict[str, Any]]:
        """The calls that carried this `x-request-id`, with their headers and bodies."""
        return [call for call in self.calls(bodies=True) if call["request_id"] == request_id]


@contextmanager
def running_simulator(*, api_key: str | None = None, call_log: Path | None = None) -> Iterator[RunningSimulator]:
    """Starts a simulator on a free port and ends it; it also ends when this process dies."""
    command = [sys.executable, "-m", "turnpike.simulator", "--port", "0", "--with-parent"]
    if api_key is not None:
        command += ["--api-key", api_key]
    if call_log is not None:
        command += ["--call-log", str(call_log)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith(READY_LINE), f"the simulator did not start; it said {line!r}"
        yield RunningSimulator(process, int(line.split()[1]))
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        process.stdout.close()


@pytest.fixture(scope="session")
def simulator() -> Iterator[RunningSimulator]:
    """One for all tests of a worker: they tell their calls apart by model name, request id or fault key."""
    with running_simulator() as running:
        yield running
