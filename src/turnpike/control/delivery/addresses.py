"""Is this address fit to be told of events? Asked when it is written down; what its name resolves to is asked again at
every connection (control/outbound.py)."""

from ipaddress import ip_address
from socket import inet_aton
from urllib.parse import SplitResult, urlsplit

from turnpike.errors import AddressForbidden, InvalidRequest
from turnpike.kit.addresses import AddressPolicy
from turnpike.settings import Settings

_PORTS = {"https": 443, "http": 80}
_LONGEST = 2000


def check_url(text: str, settings: Settings, param: str = "url") -> str:
    """Returns it without blanks around. Raises InvalidRequest, or AddressForbidden for what may not be reached."""
    text = text.strip()
    parts = _split(text, param)
    host = parts.hostname or ""
    literal = _literal(host, param)
    here = host == "localhost" or host.endswith(".localhost") or _is_loopback(literal)
    if parts.scheme == "http" and not here and not settings.allow_insecure_http_callbacks:
        raise AddressForbidden(
            f"{param}: plain http is allowed to this machine only. Use https, or set "
            "TURNPIKE_ALLOW_INSECURE_HTTP_CALLBACKS=true for a network that you trust.",
            details={"param": param},
        )
    asked = literal or ("127.0.0.1" if here else None)
    refusal = AddressPolicy(settings.webhook_allow_addresses).refusal(asked) if asked else None
    if refusal is not None:
        raise AddressForbidden(
            f"{param}: {refusal}. The operator may allow it with TURNPIKE_WEBHOOK_ALLOW_ADDRESSES.",
            details={"param": param},
        )
    return text


def _split(text: str, param: str) -> SplitResult:
    def refuse(reason: str) -> InvalidRequest:
        return InvalidRequest(f"{param}: {reason}", details={"param": param})

    try:
        parts = urlsplit(text)
        port_is_wrong = parts.port == 0
    except ValueError as error:
        raise refuse("this is no address") from error
    if parts.scheme not in _PORTS or not parts.hostname or port_is_wrong:
        raise refuse("it must be like https://hooks.example.com/turnpike")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise refuse("it must not hold a user name, a password or a fragment")
    if len(text) > _LONGEST or not text.isascii() or any(each.isspace() or each == "\\" for each in text):
        raise refuse("it is too long, or has a blank, a backslash or a letter outside ASCII")
    return parts


def _literal(host: str, param: str) -> str | None:
    try:
        return str(ip_address(host.split("%", 1)[0]))
    except ValueError:
        pass
    try:
        # `127.1`, `0x7f.0.0.1`, `2130706433`: addresses to the system's resolver, names to everybody else.
        inet_aton(host)
    except OSError:
        return None
    raise InvalidRequest(f"{param}: write the address with four decimal numbers.", details={"param": param})


def _is_loopback(literal: str | None) -> bool:
    return literal is not None and ip_address(literal).is_loopback
