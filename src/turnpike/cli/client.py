"""Talks to control: over its admin socket when a server runs, else to the same application inside this process.

Callers see one `Control` with `get`, `post`, ... and never learn which it was. Both ways are HTTP, so there is one set
of routes, schemas and errors; the socket's file mode and the folder's lock are what gives the right to speak.
"""

import asyncio
import json
import os
import pwd
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import httpx2

from turnpike.cli.inprocess import InProcess
from turnpike.errors import ConfigurationError, Conflict, TurnpikeError, Unavailable
from turnpike.kit.files import FileLock, LockHeld
from turnpike.settings import Settings

_TIMEOUT = httpx2.Timeout(60.0, connect=5.0)
"""Testing a provider or reading its models waits for the provider."""
_BASE = "http://turnpike"


class Answered(TurnpikeError):
    """Control refused. Carries its own code, message and details."""

    def __init__(self, status: int, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, details=details)
        self.status = status
        self.code = code  # pyright: ignore[reportAttributeAccessIssue] - control's, where others have their class's


@dataclass(frozen=True)
class Reply:
    data: Any
    message: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)


class Control:
    """The platform's REST API, with its envelope taken off."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def get(self, path: str, **params: object) -> Reply:
        return await self.call("GET", path, params=params)

    async def post(self, path: str, body: object = None) -> Reply:
        return await self.call("POST", path, body=body)

    async def patch(self, path: str, body: object) -> Reply:
        return await self.call("PATCH", path, body=body)

    async def delete(self, path: str) -> Reply:
        return await self.call("DELETE", path)

    async def call(
        self, method: str, path: str, *, params: Mapping[str, object] | None = None, body: object = None
    ) -> Reply:
        """Raises Answered when control refuses, Unavailable when it cannot be reached."""
        try:
            response = await self._http.request(method, path, params=_params(params), json=body, timeout=_TIMEOUT)
        except httpx2.TransportError as error:
            raise _unreachable(error) from error
        return _unwrap(response)

    async def pages(self, path: str, **params: object) -> AsyncIterator[dict[str, Any]]:
        """Every row of a list, page by page."""
        page = 1
        while True:
            reply = await self.get(path, page=page, per_page=100, **params)
            for row in reply.data:
                yield row
            pagination = reply.meta.get("pagination") or {}
            if page >= int(pagination.get("pages") or pagination.get("total_pages") or 1):
                return
            page += 1

    async def rows(self, path: str, **params: object) -> list[dict[str, Any]]:
        return [row async for row in self.pages(path, **params)]

    async def lines(self, path: str, **params: object) -> AsyncIterator[bytes]:
        """The body of an export as it comes. Raises as `call` does."""
        try:
            async with self._http.stream("GET", path, params=_params(params), timeout=_TIMEOUT) as response:
                if response.is_error:
                    await response.aread()
                    _unwrap(response)
                async for chunk in response.aiter_bytes():
                    yield chunk
        except httpx2.TransportError as error:
            raise _unreachable(error) from error


def _params(params: Mapping[str, object] | None) -> dict[str, Any] | None:
    return {name: value for name, value in (params or {}).items() if value is not None} or None


def _unreachable(error: httpx2.TransportError) -> Unavailable:
    return Unavailable(f"control does not answer ({error or type(error).__name__}); `turnpike doctor` looks into it")


def _unwrap(response: httpx2.Response) -> Reply:
    """The envelope's inside. Raises Answered."""
    if response.status_code == 204:
        return Reply(None)
    try:
        body: Any = response.json()
    except json.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise Answered(response.status_code, "NO_ENVELOPE", f"control answered {response.status_code} with no JSON")
    if response.is_error or body.get("success") is False:
        error: dict[str, Any] = body.get("error") or {}
        message = str(error.get("message") or body.get("message") or f"control answered {response.status_code}")
        raise Answered(response.status_code, str(error.get("code") or "REFUSED"), message, error.get("details"))
    return Reply(body.get("data"), body.get("message"), body.get("meta") or {})


@asynccontextmanager
async def open_control(settings: Settings, *, wait_s: float = 10.0) -> AsyncIterator[Control]:
    """A running server's control, else one in this process under the folder's lock.

    Waits `wait_s` for a server that has the folder but whose control is just starting. Raises Conflict when it does
    not come, ConfigurationError when the folder cannot be used.
    """
    deadline = time.monotonic() + wait_s
    while True:
        if await _answers(settings):
            async with over_socket(settings) as control:
                yield control
            return
        try:
            _look_at_lock(settings)
            # Importing control costs a second and is needed by this branch alone.
            offline = import_module("turnpike.control.offline").open_offline(settings)
            app = await offline.__aenter__()
        except LockHeld as held:
            if time.monotonic() > deadline:
                raise Conflict(_busy(held)) from held
            await asyncio.sleep(0.1)
            continue
        break
    try:
        async with _client(InProcess(app)) as http:
            yield Control(http)
    finally:
        await offline.__aexit__(None, None, None)


@asynccontextmanager
async def over_socket(settings: Settings) -> AsyncIterator[Control]:
    transport = httpx2.AsyncHTTPTransport(uds=str(settings.admin_socket))
    async with _client(transport) as http:
        yield Control(http)


def _client(transport: httpx2.AsyncBaseTransport) -> httpx2.AsyncClient:
    headers = {"x-turnpike-operator": who_types()}
    return httpx2.AsyncClient(transport=transport, base_url=_BASE, headers=headers, trust_env=False)


def who_types() -> str:
    """This machine's user, for the audit log."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return name.encode("ascii", "replace").decode()


def _look_at_lock(settings: Settings) -> None:
    """Raises LockHeld when somebody has the folder: cheaper to know now than after the import."""
    if settings.lock_file.exists():
        FileLock(settings.lock_file).acquire({"program": "turnpike"}).release()


async def _answers(settings: Settings) -> bool:
    """Whether somebody listens on the admin socket: a file alone may be left from a server that was killed."""
    try:
        _, writer = await asyncio.open_unix_connection(str(settings.admin_socket))
    except FileNotFoundError:
        return False
    except PermissionError as error:
        raise ConfigurationError(
            f"{settings.admin_socket} belongs to another user; run this as the user that runs the server"
        ) from error
    except OSError:
        return False
    writer.close()
    return True


def _busy(held: LockHeld) -> str:
    pid, program = held.holder.get("pid"), held.holder.get("program", "another program")
    return (
        f"{held.path.parent} is in use by {program} (pid {pid}), and no control answers there; wait until it has "
        "finished or started, or look with `turnpike doctor`"
    )
