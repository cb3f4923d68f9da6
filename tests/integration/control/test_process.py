"""Control as the supervisor starts it: settings on standard input, a ready line, sockets, a clean end."""

import asyncio
import json
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from tests.support.control import FakeRelay
from turnpike.contract.processes import READY_LINE
from turnpike.settings import LogFormat, Settings


@pytest.fixture
def process_settings(sqlite_settings: Settings) -> Settings:
    return sqlite_settings.model_copy(update={"log_format": LogFormat.JSON, "drain_timeout_s": 5.0})


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "turnpike.control",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(settings.to_child().encode() + b"\n")
    await process.stdin.drain()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 30) == READY_LINE.encode() + b"\n"


async def log_of(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    assert process.stderr is not None
    return [json.loads(line) for line in (await process.stderr.read()).splitlines()]


async def test_control_serves_on_its_three_sockets(process_settings: Settings) -> None:
    settings = process_settings
    async with started(settings) as process:
        await ready(process)
        for path in (settings.contract_socket, settings.forward_socket, settings.admin_socket):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        key = settings.first_key_file.read_text().strip()
        relay = await FakeRelay.connect(settings.contract_socket)
        assert (await relay.resolve(key)).grant is not None

        def over(path: Any) -> httpx2.AsyncClient:
            return httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=str(path)), base_url="http://t")

        async with over(settings.forward_socket) as outside, over(settings.admin_socket) as operator:
            assert (await outside.get("/api/v1/keys")).status_code == 401
            assert (await outside.get("/api/v1/keys", headers={"x-api-key": key})).status_code == 200
            made = await operator.post("/api/v1/ai/providers", json={"vendor": "openai"})
            assert made.status_code == 201
            asked = await outside.get("/api/v1/health/", headers={"x-request-id": "asked-1"})
            assert asked.json()["data"]["status"] == "healthy"
        await relay.until(lambda r: r.snapshot and len(r.snapshot.providers) == 1, timeout_s=1.0)
        await relay.close()
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 15) == 0
        log = await log_of(process)
        assert not settings.contract_socket.exists()
        assert not settings.admin_socket.exists()
    assert [line["event"] for line in log if line["event"] != "request"][-1] == "control_ended"
    assert any(line.get("request_id") == "asked-1" and line["path"] == "/api/v1/health" for line in log)
    assert key not in json.dumps(log)
    assert all({"timestamp", "level", "program", "event"} <= set(line) for line in log)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly(process_settings: Settings, number: signal.Signals) -> None:
    async with started(process_settings) as process:
        await ready(process)
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), 15) == 0
        assert process_settings.last_good_file.exists()


async def test_what_cannot_be_used_is_said_in_one_line(process_settings: Settings) -> None:
    process_settings.secrets_file.write_text("{}")
    async with started(process_settings) as process:
        assert await asyncio.wait_for(process.wait(), 30) == 1
        log = await log_of(process)
    (line,) = [line for line in log if line["level"] == "error"]
    assert line["event"] == "control_cannot_start"
    assert "secrets.json" in line["reason"]
    assert "exception" not in line


async def test_a_parent_that_says_nothing_is_no_reason_to_run(process_settings: Settings) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "turnpike.control", stdin=asyncio.subprocess.DEVNULL
    )
    assert await asyncio.wait_for(process.wait(), 30) == 0
