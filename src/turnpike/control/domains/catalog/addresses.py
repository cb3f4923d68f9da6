"""Is this address fit to be a provider's? Asked when an administrator writes it down; what a name resolves to is asked
again at every connection (control/outbound.py, and the relay's own upstream client)."""

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from turnpike.errors import AddressForbidden, InvalidRequest
from turnpike.kit.addresses import AddressPolicy
from turnpike.settings import Settings

_PORTS = {"https": 443, "http": 80}


def check_base_url(
    text: str, allow_addresses: Iterable[str], settings: Settings, *, param: str = "api_base_url"
) -> str:
    """Returns the address as it is stored: without a trailing slash, scheme and host in lower case.

    Raises InvalidRequest for what is no such address, AddressForbidden for one that may not be reached.
    """
    parts = _split(text, param)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    literal = _literal(host, param)
    here = host == "localhost" or host.endswith(".localhost") or bool(literal and literal.is_loopback)
    _check_plain(parts, here, settings, param)
    if port == settings.port and (here or host == settings.host or (literal and literal.is_unspecified)):
        raise AddressForbidden(f"{param}: port {port} there is this gateway's own.", details={"param": param})
    policy = AddressPolicy(allow_addresses)
    asked = str(literal) if literal else ("127.0.0.1" if here else None)
    refusal = policy.refusal(asked) if asked else None
    if refusal is not None:
        raise AddressForbidden(
            f"{param}: {refusal}. An administrator may allow it for this provider with allow_addresses, "
            f'e.g. ["{asked}/{128 if asked and ":" in asked else 32}"].',
            details={"param": param},
        )
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if parts.port in (None, _PORTS[parts.scheme]) else f"{shown}:{parts.port}"
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"


def _split(text: str, param: str) -> SplitResult:
    def refuse(reason: str) -> InvalidRequest:
        return InvalidRequest(f"{param}: {reason}", details={"param": param})

    try:
        parts = urlsplit(text.strip())
        port_is_wrong = parts.port == 0
    except ValueError as error:
        raise refuse(f"this is no address ({error})") from error
    if parts.scheme not in _PORTS:
        raise refuse("it must begin with https:// (or http:// on this machine)")
    if not parts.hostname or port_is_wrong:
        raise refuse("it names no host, or port 0")
    if parts.username is not None or parts.password is not None:
        raise refuse("it must not hold a user name or password; give the key as shared_api_key")
    if parts.query or parts.fragment:
        raise refuse("it must not have a query or a fragment")
    if any(character.isspace() or character == "\\" for character in text.strip()) or not text.isascii():
        raise refuse("it has a blank, a backslash or a letter outside ASCII (write such a host in its xn-- form)")
    return parts


def _literal(host: str, param: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.split("%", 1)[0])
    except ValueError:
        pass
    try:
        # `127.1`, `0x7f.0.0.1`, `2130706433`: addresses to the system's resolver, names to everybody else.
        socket.inet_aton(host)
    except OSError:
        return None
    raise InvalidRequest(f"{param}: write the address {host!r} with four decimal numbers.", details={"param": param})


def _check_plain(parts: SplitResult, here: bool, settings: Settings, param: str) -> None:
    if parts.scheme == "http" and not here and not settings.allow_insecure_http_callbacks:
        raise AddressForbidden(
            f"{param}: plain http sends keys and prompts in clear and is allowed to this machine only. Use https, or "
            "set TURNPIKE_ALLOW_INSECURE_HTTP_CALLBACKS=true for a network that you trust.",
            details={"param": param},
        )


def check_proxy(text: str, param: str = "proxy") -> str:
    """An HTTP proxy's address. Raises InvalidRequest."""
    parts = _split(text, param)
    if parts.path.strip("/"):
        raise InvalidRequest(f"{param}: a proxy's address has no path.", details={"param": param})
    return f"{parts.scheme}://{parts.netloc.lower()}"
