"""Control in a test: its parts on a test database, clients of its API, and a relay at its contract socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec

from turnpike.contract import CONTRACT_VERSION
from turnpike.contract.grants import KEY_PREFIX, key_digest
from turnpike.contract.messages import (
    GrantsChanged,
    Hello,
    KeyResolved,
    PushSnapshot,
    ResolveKey,
    ToControl,
    ToRelay,
    Unpacker,
    pack,
)
from turnpike.contract.snapshot import Snapshot
from turnpike.control.app import create_app
from turnpike.control.assembly import assemble
from turnpike.control.boot import prepare, prepare_folders, prepare_secrets
from turnpike.control.services import ControlServices
from turnpike.control.web.edge import AdminDoor
from turnpike.settings import Settings

T = TypeVar("T")
SECRET = "sk-verysecretproviderkey-0123456789abcd"
BASE = "http://control.test"


@asynccontextmanager
async def running_control(settings: Settings) -> AsyncIterator[ControlServices]:
    """Prepared (first key and all) and following its database; no sockets."""
    prepare_folders(settings)
    keyring = prepare_secrets(settings)
    await prepare(settings, keyring)
    services = assemble(settings, keyring)
    await services.keeper.start()
    try:
        yield services
    finally:
        await services.keeper.stop()
        await services.answers.close()
        await services.database.close()


class Api:
    """One caller of control's API, without a network between."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self.answers: list[str] = []

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        if body is not None:
            options["json"] = body
        response = await self.http.request(method, path, **options)
        self.answers.append(response.text)
        return response

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        return await self.call("POST", path, body, **options)

    async def patch(self, path: str, body: Any) -> httpx2.Response:
        return await self.call("PATCH", path, body)

    async def put(self, path: str, body: Any) -> httpx2.Response:
        return await self.call("PUT", path, body)

    async def delete(self, path: str) -> httpx2.Response:
        return await self.call("DELETE", path)

    async def data(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The envelope's inside; fails the test when the call failed."""
        response = await self.call(method, path, body, **options)
        assert response.is_success, response.text
        return response.json()["data"]


@asynccontextmanager
async def api(services: ControlServices, key: str | None = None, **headers: str) -> AsyncIterator[Api]:
    """With `key` a caller from outside, without one the local operator."""
    app: Any = create_app(services)
    if key is None and not headers:
        app = AdminDoor(app)
    elif key is not None:
        headers["authorization"] = f"Bearer {key}"
    transport = httpx2.ASGITransport(app, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers, trust_env=False) as http:
        yield Api(http)


class FakeRelay:
    """Speaks the contract as a relay does, and remembers what it was told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._changed = asyncio.Event()
        self._ask = 0
        self._answers: dict[int, asyncio.Future[KeyResolved]] = {}
        self.messages: list[ToRelay] = []
        self.closed = False
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def connect(
        cls, path: Path, *, version: int = CONTRACT_VERSION, incarnation: str = "test", number: int = 0
    ) -> "FakeRelay":
        reader, writer = await asyncio.open_unix_connection(str(path))
        relay = cls(reader, writer)
        relay.send(Hello(version, number, incarnation, 1))
        return relay

    def send(self, message: ToControl) -> None:
        self._writer.write(pack(message))

    def send_bytes(self, data: bytes) -> None:
        self._writer.write(data)

    async def _read(self) -> None:
        unpacker = Unpacker(msgspec.msgpack.Decoder(ToRelay))
        with suppress(ConnectionError):
            while data := await self._reader.read(65536):
                for message in unpacker.feed(data):
                    self.messages.append(message)  # pyright: ignore[reportArgumentType]
                    if isinstance(message, KeyResolved):
                        self._answers.pop(message.id).set_result(message)
                self._changed.set()
        self.closed = True
        self._changed.set()

    async def until(self, found: Callable[["FakeRelay"], T | None], timeout_s: float = 3.0) -> T:
        """Waits for what is looked for among the messages."""
        async with asyncio.timeout(timeout_s):
            while True:
                self._changed.clear()
                value = found(self)
                if value is not None and value is not False:
                    return value
                await self._changed.wait()

    @property
    def snapshot(self) -> Snapshot | None:
        found = [message.snapshot for message in self.messages if isinstance(message, PushSnapshot)]
        return found[-1] if found else None

    def forgotten(self, key_id: str) -> bool:
        return any(
            isinstance(message, GrantsChanged) and (message.key_ids is None or key_id in message.key_ids)
            for message in self.messages
        )

    async def resolve(self, key: str) -> KeyResolved:
        """Of an API key, or of a token (a JWT) in its place."""
        snapshot = await self.until(lambda relay: relay.snapshot)
        self._ask += 1
        ask = self._ask
        token = None if key.startswith(KEY_PREFIX) else key.encode()
        self.send(ResolveKey(ask, key_digest(key.encode(), snapshot.key_pepper), token))

        answered = self._answers[ask] = asyncio.get_running_loop().create_future()
        return await asyncio.wait_for(answered, 5.0)

    async def close(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


async def eventually(check: Callable[[], bool], timeout_s: float = 3.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not check():
            await asyncio.sleep(0.01)


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def make_user(operator: Api, role: str = "user", **values: Any) -> str:
    body = {"display_name": f"a {role}", "role": role, **values}
    return (await operator.data("POST", "/api/v1/users", body))["id"]


async def make_key(operator: Api, **values: Any) -> dict[str, Any]:
    return await operator.data("POST", "/api/v1/keys", {"name": "k", **values})


async def make_provider(operator: Api, slug: str = "acme", **values: Any) -> dict[str, Any]:
    body = {"name": slug.title(), "slug": slug, "api_base_url": f"https://{slug}.example.com/v1", **values}
    return await operator.data("POST", "/api/v1/ai/providers", body)


async def make_model(operator: Api, provider: str, name: str, **values: Any) -> dict[str, Any]:
    return await operator.data("POST", "/api/v1/ai/models", {"provider": provider, "name": name, **values})
