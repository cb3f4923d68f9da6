"""Control's own requests to the outside: testing a provider, reading its list of models, getting a token. Never a model
call.

Every connection is made to an address that the policy was asked about, at the moment it is made; redirects are not
followed; the answer is bounded in time and size; and what comes back of an error is scrubbed of the credential.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpcore2
from httpcore2 import AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream

from turnpike.errors import (
    AddressRefused,
    UpstreamGarbage,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from turnpike.kit.addresses import AddressPolicy
from turnpike.settings import Settings

MAX_ANSWER_BYTES = 16 * 1024 * 1024
TOTAL_TIMEOUT_S = 30.0


_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "turnpike"}


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    elapsed_ms: int


@dataclass(frozen=True)
class Receipt:
    """What a receiver answered to something that it was sent."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    beginning: bytes


class _Guarded(AsyncNetworkBackend):
    """Resolves a name itself, asks the policy about each address, and connects to the very address that it allowed."""

    def __init__(self, policy: "AddressPolicy | _MetadataOnly", own_ports: frozenset[int]) -> None:
        self._inner = AnyIOBackend()
        self._policy = policy
        self._own_ports = own_ports

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        refusal: str | None = None
        failure: Exception | None = None
        for address in await _resolve(host, port):
            refused = self._refusal(address, port)
            if refused is not None:
                refusal = refused
                continue
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        if failure is not None:
            raise failure
        raise AddressRefused(f"The address policy does not allow {host}: {refusal or 'it has no address'}.")

    def _refusal(self, address: str, port: int) -> str | None:
        if port in self._own_ports and _is_here(address):
            return f"port {port} is the gateway's own"
        return self._policy.refusal(address)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _MetadataOnly:
    """An address policy that allows the metadata service and nothing else."""

    def refusal(self, text: str) -> str | None:
        return None if text == "169.254.169.254" else f"{text} is not the metadata service"


@contextmanager
def _told_as_ours(timeout_s: float, whom: str = "The receiver") -> Iterator[None]:
    """The client's exceptions, said by the house's errors."""
    try:
        yield
    except TimeoutError as error:
        raise UpstreamTimeout(f"No whole answer within {timeout_s:g} s.") from error
    except httpcore2.TimeoutException as error:
        raise UpstreamTimeout(f"{whom} did not answer in time.") from error
    except (httpcore2.NetworkError, httpcore2.ProxyError, ssl.SSLError) as error:
        raise UpstreamUnreachable(f"{whom} cannot be reached: {str(error) or type(error).__name__}") from error
    except httpcore2.ProtocolError as error:
        raise UpstreamGarbage(f"What answered does not speak HTTP: {error}") from error


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"{host} has no address") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_here(address: str) -> bool:
    """This machine, as far as it can be told from the address: loopback, or one that can be listened on."""
    if ip_address(address.split("%", 1)[0]).is_loopback:
        return True
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


class Outbound:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own_ports = frozenset({settings.port} - {0})

    async def get(
        self, url: str, *, headers: Mapping[str, str], allow_addresses: Iterable[str], proxy: str | None
    ) -> Answer:
        """As `send`."""
        return await self.send("GET", url, headers=headers, allow_addresses=allow_addresses, proxy=proxy)

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        allow_addresses: Iterable[str],
        proxy: str | None,
    ) -> Answer:
        """Raises AddressRefused, UpstreamUnreachable, UpstreamTimeout or UpstreamGarbage (an answer beyond bounds);
        any HTTP status is an answer."""
        proxy = proxy or self._proxy_for(urlsplit(url).hostname or "")
        return await self._exchange(self._pool(AddressPolicy(allow_addresses), proxy), method, url, headers, body)

    async def ask_metadata(self, url: str, headers: Mapping[str, str]) -> Answer:
        """GET from the metadata service of the machine that we run on, which no provider can point at: only an
        administrator's credential that stands for this machine leads here. Raises as `send`."""
        return await self._exchange(self._pool(_MetadataOnly(), None), "GET", url, headers, b"")

    async def _exchange(
        self, made: httpcore2.AsyncConnectionPool, method: str, url: str, headers: Mapping[str, str], sent: bytes
    ) -> Answer:
        started = time.monotonic()
        body = bytearray()

        def take(part: bytes) -> None:
            body.extend(part)
            if len(body) > MAX_ANSWER_BYTES:
                raise UpstreamGarbage(f"The provider's answer is larger than {MAX_ANSWER_BYTES} bytes.")

        status = await self._carry(made, method, url, headers, sent, take, TOTAL_TIMEOUT_S)
        return Answer(status, bytes(body), round((time.monotonic() - started) * 1000))

    async def read(
        self,
        url: str,
        take: Callable[[bytes], None],
        *,
        headers: Mapping[str, str],
        allow_addresses: Iterable[str],
        proxy: str | None,
        timeout_s: float = TOTAL_TIMEOUT_S,
    ) -> int:
        """GET for an answer of any length, handed to `take` part by part. Returns its status; raises as `send`."""
        proxy = proxy or self._proxy_for(urlsplit(url).hostname or "")
        return await self._carry(
            self._pool(AddressPolicy(allow_addresses), proxy), "GET", url, headers, b"", take, timeout_s
        )

    async def deliver(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str],
        allow_addresses: Iterable[str],
        timeout_s: float,
        read_bytes: int,
    ) -> Receipt:
        """POST for the sake of its status: no more than `read_bytes` of the answer are read. Raises as `send`."""
        made = self._pool(AddressPolicy(allow_addresses), self._proxy_for(urlsplit(url).hostname or ""))
        sent = [*_HEADERS.items(), *headers.items()]
        limits = {"connect": min(timeout_s, self._settings.connect_timeout_s), "read": timeout_s, "write": timeout_s}
        beginning = bytearray()
        post: dict[str, Any] = {"headers": sent, "content": body, "extensions": {"timeout": limits}}
        with _told_as_ours(timeout_s):
            async with asyncio.timeout(timeout_s), made as pool, pool.stream("POST", url, **post) as got:
                async for part in got.aiter_stream():
                    beginning += part[: read_bytes - len(beginning)]
                    if len(beginning) >= read_bytes:
                        break
                found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in got.headers}
                return Receipt(got.status, found, bytes(beginning))

    async def _carry(  # noqa: PLR0917 - one exchange with all that it takes
        self,
        made: httpcore2.AsyncConnectionPool,
        method: str,
        url: str,
        headers: Mapping[str, str],
        sent: bytes,
        take: Callable[[bytes], None],
        timeout_s: float,
    ) -> int:
        with _told_as_ours(timeout_s, "The provider"):
            async with asyncio.timeout(timeout_s), made as pool:
                return await self._read(pool, method, url, headers, sent, take)

    def _pool(self, policy: "AddressPolicy | _MetadataOnly", proxy: str | None) -> httpcore2.AsyncConnectionPool:
        context = ssl.create_default_context()
        if self._settings.upstream_ca is not None:
            context.load_verify_locations(self._settings.upstream_ca)
        if proxy is None:
            backend = _Guarded(policy, self._own_ports)
            return httpcore2.AsyncConnectionPool(ssl_context=context, network_backend=backend, max_connections=1)
        # The proxy's own address was chosen by the operator; where it connects to is its policy, not ours.
        return httpcore2.AsyncHTTPProxy(proxy, ssl_context=context, max_connections=1)

    def _proxy_for(self, host: str) -> str | None:
        exempt = any(host == name or host.endswith(name if name.startswith(".") else f".{name}")
                     for name in self._settings.no_proxy)  # fmt: skip
        return None if exempt else self._settings.upstream_proxy

    async def _read(  # noqa: PLR0917 - as above
        self,
        pool: httpcore2.AsyncConnectionPool,
        method: str,
        url: str,
        headers: Mapping[str, str],
        sent_body: bytes,
        take: Callable[[bytes], None],
    ) -> int:
        timeout = {
            "connect": self._settings.connect_timeout_s,
            "read": TOTAL_TIMEOUT_S,
            "write": TOTAL_TIMEOUT_S,
            "pool": TOTAL_TIMEOUT_S,
        }
        sent = {**_HEADERS, **headers}
        async with pool.stream(
            method, url, headers=list(sent.items()), content=sent_body or None, extensions={"timeout": timeout}
        ) as response:
            async for part in response.aiter_stream():
                take(part)
            return response.status
