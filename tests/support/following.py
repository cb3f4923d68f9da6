"""Control on a port of its own, as it serves the event stream, and somebody who follows the stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import uvicorn

from tests.support.control import unused_port
from turnpike.control.app import create_app
from turnpike.control.delivery.dispatcher import Dispatcher
from turnpike.control.services import ControlServices
from turnpike.control.wiring import Server
from turnpike.kit.sse import SseEvent, SseParser

EVENTS = "/api/v1/events"


@asynccontextmanager
async def serving(services: ControlServices) -> AsyncIterator[str]:
    """With its handing out at work. Yields the base URL."""
    port = unused_port()
    config = uvicorn.Config(
        create_app(services), port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=5
    )
    server = Server(config)
    dispatcher = Dispatcher(services.database, services.streams.wake)
    await dispatcher.start()
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        services.streams.close()
        server.should_exit = True
        await running
        await dispatcher.stop()


class Followed:
    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.events: list[SseEvent] = []
        self.raw = b""
        self.ended = asyncio.Event()
        self._parser = SseParser()

    async def read(self) -> None:
        async for part in self.response.aiter_raw():
            self.raw += part
            self.events += self._parser.feed(part)
        self.ended.set()

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(event.data) for event in self.events if event.event != "hello"]

    async def until(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(10):
            while len(self.told()) < count:
                await asyncio.sleep(0.01)
        return self.told()


@asynccontextmanager
async def following(address: str, key: str | None = None, **options: Any) -> AsyncIterator[Followed]:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    headers |= options.pop("headers", {})
    http = httpx2.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=30)
    async with http, http.stream("GET", EVENTS, **options) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        made = Followed(response)
        reading = asyncio.create_task(made.read())
        async with asyncio.timeout(10):
            while not made.events:
                await asyncio.sleep(0.01)
        yield made
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
