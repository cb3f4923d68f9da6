"""Makes connections to providers: names resolved anew, every address checked, TLS verified, proxies passed."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from turnpike.errors import AddressRefused, UpstreamUnreachable
from turnpike.kit.addresses import AddressPolicy

_P = TypeVar("_P", bound=asyncio.Protocol)


class Origin(msgspec.Struct, frozen=True):
    """Where a connection leads. Credentials are no part of it: they are headers."""

    scheme: str
    host: str
    port: int
    allow: tuple[str, ...] = ()
    proxy: str | None = None

    @property
    def shown(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def origin_of(base_url: str, allow: tuple[str, ...], proxy: str | None) -> Origin:
    """Raises ValueError for what is no http(s) address."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"'{base_url}' is no http or https address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Origin(parts.scheme, parts.hostname, port, allow, proxy)


class Connector:
    """Settings of all outgoing connections of a relay."""

    def __init__(
        self,
        *,
        timeout_s: float,
        own_ports: tuple[int, ...],
        ca_file: str | None,
        proxy: str | None,
        no_proxy: tuple[str, ...],
    ) -> None:
        """Raises OSError or ssl.SSLError when the authorities' file cannot be read."""
        self._timeout_s = timeout_s
        self._own_ports = frozenset(own_ports)
        self._tls: ssl.SSLContext | None = None
        self._ca_file = ca_file
        self._proxy = proxy
        self._no_proxy = no_proxy
        if ca_file is not None:
            self._tls = self._make_tls()

    def proxy_for(self, host: str, own: str | None) -> str | None:
        """The proxy to a host: the provider's own, else the gateway's unless the host is an exception."""
        if own is not None:
            return own or None
        if self._proxy is None or any(_matches(host, rule) for rule in self._no_proxy):
            return None
        return self._proxy

    async def connect(self, origin: Origin, factory: Callable[[], _P]) -> _P:
        """Raises AddressRefused or UpstreamUnreachable, in words fit for a caller."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._connect(origin, factory)
        except TimeoutError as error:
            raise UpstreamUnreachable(f"No connection to the provider within {self._timeout_s:g} s.") from error
        except ssl.SSLCertVerificationError as error:
            raise UpstreamUnreachable(f"The provider's certificate is not trusted: {error.verify_message}.") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise UpstreamUnreachable(f"The provider cannot be reached: {reason}.") from error

    async def _connect(self, origin: Origin, factory: Callable[[], _P]) -> _P:
        loop = asyncio.get_running_loop()
        if origin.proxy:
            return await self._connect_through_proxy(origin, origin.proxy, factory)
        sock = await self._open(origin.host, origin.port, AddressPolicy(origin.allow), own_ports=True)
        try:
            if origin.scheme == "https":
                _, protocol = await loop.create_connection(
                    factory, sock=sock, ssl=self._context(), server_hostname=origin.host
                )
            else:
                _, protocol = await loop.create_connection(factory, sock=sock)
        except BaseException:
            sock.close()
            raise
        return protocol

    async def _open(self, host: str, port: int, policy: AddressPolicy, *, own_ports: bool) -> socket.socket:
        """A connected socket to the first address that the policy allows and that answers."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        refusal: str | None = None
        failure: OSError | None = None
        for family, kind, protocol, _, address in found:
            refused = policy.refusal(str(address[0]))
            if refused is None and own_ports and port in self._own_ports and ip_address(str(address[0])).is_loopback:
                refused = f"port {port} is the gateway's own"
            if refused is not None:
                refusal = refusal or refused
                continue
            sock = socket.socket(family, kind, protocol)
            sock.setblocking(False)
            try:
                await loop.sock_connect(sock, address)
            except OSError as error:
                failure = error
                sock.close()
                continue
            except BaseException:
                sock.close()
                raise
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        if failure is not None:
            raise failure
        raise AddressRefused(
            f"The provider's address is not allowed: {refusal or 'its name has no address'}."
            " An administrator can allow an address when registering the provider (allow_addresses)."
        )

    async def _connect_through_proxy(self, origin: Origin, proxy: str, factory: Callable[[], _P]) -> _P:
        """CONNECT (RFC 9110, 9.3.6) for https; for http the request itself is sent to the proxy, with an absolute
        target (see `absolute_target`). A proxy resolves the name, so only a literal address can be checked here."""
        loop = asyncio.get_running_loop()
        parts = urlsplit(proxy)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError("a proxy's address begins with http://")
        try:
            literal = str(ip_address(origin.host))
        except ValueError:
            literal = None
        refused = AddressPolicy(origin.allow).refusal(literal) if literal else None
        if refused:
            raise AddressRefused(f"The provider's address is not allowed: {refused}.")
        # The proxy itself was named by an administrator: any address will do.
        anywhere = AddressPolicy(("0.0.0.0/0", "::/0"))
        sock = await self._open(parts.hostname, parts.port or 80, anywhere, own_ports=False)
        try:
            if origin.scheme != "https":
                _, protocol = await loop.create_connection(factory, sock=sock)
                return protocol
            await self._ask_proxy(sock, origin)
            _, protocol = await loop.create_connection(
                factory, sock=sock, ssl=self._context(), server_hostname=origin.host
            )
        except BaseException:
            sock.close()
            raise
        return protocol

    @staticmethod
    async def _ask_proxy(sock: socket.socket, origin: Origin) -> None:
        loop = asyncio.get_running_loop()
        authority = f"[{origin.host}]:{origin.port}" if ":" in origin.host else f"{origin.host}:{origin.port}"
        await loop.sock_sendall(sock, f"CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            # One byte at a time at the end would be needed if servers spoke first in TLS; they do not.
            part = await loop.sock_recv(sock, 4096)
            if not part or len(answer) > 16384:
                raise UpstreamUnreachable("The proxy closed the connection.")
            answer += part
        if answer[9:12] != b"200":
            raise UpstreamUnreachable(f"The proxy refused the connection with status {answer[9:12].decode('latin-1')}.")

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = self._make_tls()
        return self._tls

    def _make_tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file is not None:
            context.load_verify_locations(self._ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def absolute_target(origin: Origin) -> bytes:
    """What precedes the path in a request line: nothing, or scheme and authority for a plain-http proxy."""
    if origin.proxy and origin.scheme == "http":
        return f"http://{origin.host}:{origin.port}".encode()
    return b""


def _matches(host: str, rule: str) -> bool:
    if "/" in rule or rule.replace(".", "").isdigit():
        try:
            return ip_address(host) in ip_network(rule, strict=False)
        except ValueError:
            return False
    return host == rule.lstrip(".") or host.endswith("." + rule.lstrip("."))
