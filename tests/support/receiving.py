"""Whoever is told: an HTTP server that takes webhooks, verifies them with the standard's own library, and answers as it
is told to; and what of control brings events there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook

from turnpike.control.delivery.dispatcher import Dispatcher
from turnpike.control.delivery.senders import Senders
from turnpike.control.delivery.worker import DeliveryWorker
from turnpike.control.infra.mail.choice import open_mailer
from turnpike.control.outbound import Outbound
from turnpike.control.services import ControlServices
from turnpike.settings import Settings

HOME = "a" * 32


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    def verified(self, secret: str) -> dict[str, Any]:
        """Raises WebhookVerificationError."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    port: int = 0
    status: int = 204
    headers: str = ""
    answer: bytes = b""
    delay_s: float = 0.0
    got: list[Received] = field(default_factory=list[Received])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?room=7"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            pairs = (line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in pairs}
            body = await reader.readexactly(int(headers["content-length"]))
            self.got.append(Received(head[0].split(" ")[1], headers, body))
            await asyncio.sleep(self.delay_s)
            length = len(self.answer)
            writer.write(
                f"HTTP/1.1 {self.status} X\r\ncontent-length: {length}\r\n{self.headers}\r\n".encode() + self.answer
            )
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # who asks has left
        finally:
            writer.close()


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()


def allowing(settings: Settings, **more: Any) -> Settings:
    """Settings under which this machine may be told of events."""
    allowed = {"webhook_allow_addresses": ("127.0.0.0/8", "::1/128"), **more}
    return settings.model_copy(update=allowed)


class Delivering:
    """What control does in the background, by hand."""

    def __init__(self, services: ControlServices, home: str = HOME) -> None:
        settings = services.settings
        senders = Senders(settings, services.sealer, Outbound(settings), open_mailer(settings))
        self.worker = DeliveryWorker(settings, services.database, senders, home)
        self.dispatcher = Dispatcher(services.database)

    async def turn(self) -> int:
        """Hands out all that happened, and tries once all that is due. Returns how many attempts were made."""
        while await self.dispatcher.hand_out():
            pass
        count = 0
        while begun := await self.worker.begin_due():
            count += begun
            await self.worker.finish()
        return count
