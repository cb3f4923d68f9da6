"""Control's API on a real socket, in a thread of its own: for clients that are no asyncio programs."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.control import Api, api, running_control, unused_port
from turnpike.control.app import create_app
from turnpike.control.services import ControlServices
from turnpike.control.wiring import make_server
from turnpike.settings import Settings


@dataclass
class Served:
    url: str
    services: ControlServices
    loop: asyncio.AbstractEventLoop

    def operator(self, method: str, path: str, body: Any = None) -> Any:
        """The data of an answer to the local operator."""

        async def ask() -> Any:
            async with api(self.services) as operator:
                return await _data(operator, method, path, body)

        return asyncio.run_coroutine_threadsafe(ask(), self.loop).result(30)


async def _data(operator: Api, method: str, path: str, body: Any) -> Any:
    return await operator.data(method, path, body)


@contextmanager
def served(settings: Settings) -> Iterator[Served]:
    port = unused_port()
    ready, ended = threading.Event(), threading.Event()
    found: list[Served] = []
    faults: list[BaseException] = []

    async def run() -> None:
        async with running_control(settings) as services:
            server = make_server(settings, create_app(services))
            server.config.host, server.config.port = "127.0.0.1", port
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            found.append(Served(f"http://127.0.0.1:{port}", services, asyncio.get_running_loop()))
            ready.set()
            while not ended.is_set():
                await asyncio.sleep(0.02)
            server.should_exit = True
            await serving

    def main() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            faults.append(error)
            raise
        finally:
            ready.set()

    thread = threading.Thread(target=main, name="control")
    thread.start()
    try:
        assert ready.wait(60)
        assert found, faults
        yield found[0]
    finally:
        ended.set()
        thread.join(30)
