"""The public port: one listening socket for each relay on the same address (SO_REUSEPORT).

The kernel spreads connections over the sockets. The supervisor keeps them open, so that the connections that wait in
the queue of a relay which died are taken over by its successor. Who speaks TLS or HTTP on them is not decided here.
"""

import errno
import socket

from turnpike.errors import ConfigurationError

BACKLOG = 4096
_TRIES = 8


class PortTaken(ConfigurationError):
    """Somebody else listens on the port."""


class Listeners:
    """`count` sockets that listen on one address. `port` is the real one when 0 was asked for."""

    def __init__(self, host: str, port: int, count: int) -> None:
        """Raises PortTaken, and ConfigurationError for an address that is not one of this machine."""
        self.host = host
        self.port = port
        self.sockets: list[socket.socket] = []
        family, address = _resolve(host, port)
        for attempt in range(_TRIES):
            try:
                self._open(family, address, count)
                return
            except PortTaken:
                self.close()
                # A free port that somebody took between our two looks: ask for another.
                if port or attempt == _TRIES - 1:
                    raise

    def _open(self, family: socket.AddressFamily, address: str, count: int) -> None:
        self.port = _probe(family, address, self.port)
        for _ in range(count):
            listener = _bound(family, address, self.port, share=True)
            listener.listen(BACKLOG)
            self.sockets.append(listener)

    def close(self) -> None:
        """Idempotent. Relays that inherited a socket still have it."""
        while self.sockets:
            self.sockets.pop().close()


def _probe(family: socket.AddressFamily, address: str, port: int) -> int:
    """The port, when nobody listens there: without SO_REUSEPORT, so that a second server of the same user is seen
    instead of sharing the port with us."""
    probe = _bound(family, address, port, share=False)
    try:
        return probe.getsockname()[1]
    finally:
        probe.close()


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigurationError(
            f"{host!r} is no address to listen on ({error.strerror}); use 127.0.0.1, 0.0.0.0, :: or this machine's own"
        ) from error
    # A name such as localhost has both: the one that most clients try first.
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, str(address[0])


def _bound(family: socket.AddressFamily, address: str, port: int, *, share: bool) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # `::` means every address of the machine, IPv4 included.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address == "::" else 1)
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        raise _refusal(address, port, error) from error
    return listener


def _refusal(address: str, port: int, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(
            f"port {port} of {address} is in use by another program; stop that, or choose another port: "
            f"turnpike serve --port {port + 10 if port < 65000 else 8080} (--port 0 takes a free one)"
        )
    if error.errno == errno.EACCES:
        return ConfigurationError(f"this user may not listen on port {port}; choose one from 1024 on with --port")
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigurationError(f"{address} is not an address of this machine; choose one with --host")
    return ConfigurationError(f"cannot listen on {address} port {port}: {error.strerror}")
