"""What is decided of a request by its head alone, before its key and its body: whether its address may come in, and
what a browser's script of another origin may do (CORS).

Where no network and no origin is set, a head costs two comparisons here, and one that came before on its connection
nothing at all.
"""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from turnpike.contract.relay_settings import RelaySettings
from turnpike.contract.snapshot import NetworkRules
from turnpike.errors import AddressForbidden
from turnpike.kit.networks import Network, Networks, address_in, network_in
from turnpike.kit.origins import Origins
from turnpike.relay.endpoints import Kind, Route

if TYPE_CHECKING:
    from turnpike.relay.caller_end import CallerEnd
    from turnpike.relay.head import RequestHead

_REMEMBERED = 10_000
PREFLIGHT = Route(Kind.PREFLIGHT, "preflight")
_VARY = b"vary: origin\r\n"
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_LIMITS = [f"{part}-{what}" for what in ("requests", "tokens") for part in ("limit", "remaining", "reset")]
_ANTHROPIC_LIMITS = [f"{what}-{part}" for what in ("requests", "tokens") for part in ("limit", "remaining", "reset")]
EXPOSED = (
    "x-request-id", "retry-after", "x-should-retry", "content-disposition", "age",
    "ratelimit", "ratelimit-policy",
    *(f"x-ratelimit-{each}" for each in _LIMITS),
    *(f"anthropic-ratelimit-{each}" for each in _ANTHROPIC_LIMITS),
    "x-turnpike-error", "x-turnpike-limit", "x-turnpike-provider", "x-turnpike-deployment", "x-turnpike-attempts",
    "x-turnpike-route", "x-turnpike-fallback", "x-turnpike-dropped", "x-turnpike-cost", "x-turnpike-cache",
)  # fmt: skip
"""Headers of answers that a script may read, beside those that any may."""
_EXPOSED = f"access-control-expose-headers: {', '.join(EXPOSED)}\r\n".encode()
_HEADER_NAMES = re.compile(rb"[A-Za-z0-9_-]+(?:[ \t]*,[ \t]*[A-Za-z0-9_-]+)*")
_ORIGIN_TEXT = re.compile(rb"[A-Za-z0-9:/._\[\]-]{1,300}")


class Cors:
    """Which scripts may read the answers (Fetch Standard, 3.2). Off where no origin is set."""

    def __init__(self, settings: RelaySettings) -> None:
        self._origins = Origins(settings.cors_origins)
        self._credentials = settings.cors_credentials
        self._max_age = b"access-control-max-age: %d\r\n" % settings.cors_max_age_s

    def look(self, head: "RequestHead") -> None:
        """Gives the head the lines that its answer has, and a preflight its own route."""
        origin = head.header(b"origin")
        if origin is None:
            head.lines = _VARY
            return
        allowed = self._allowed(origin)
        asked = head.header(b"access-control-request-method")
        if head.method != b"OPTIONS" or asked is None:
            head.lines = _VARY + allowed + _EXPOSED if allowed else _VARY
            return
        head.route = PREFLIGHT
        head.lines = b"vary: origin, access-control-request-method, access-control-request-headers\r\n"
        if allowed:
            head.lines += allowed + b"access-control-allow-methods: " + _METHODS + b"\r\n" + self._max_age
            names = (head.header(b"access-control-request-headers") or b"").strip()
            if _HEADER_NAMES.fullmatch(names):
                head.lines += b"access-control-allow-headers: " + names + b"\r\n"

    def _allowed(self, origin: bytes) -> bytes:
        """Empty for an origin that is not let in. Credentials are for origins that are written out, never for those
        that a wildcard stands for."""
        if not _ORIGIN_TEXT.fullmatch(origin):
            return b""
        text = origin.decode("latin-1").lower()
        if self._origins.has_exactly(text):
            lines = b"access-control-allow-origin: " + origin + b"\r\n"
            return lines + b"access-control-allow-credentials: true\r\n" if self._credentials else lines
        if self._origins.any:
            return b"access-control-allow-origin: *\r\n"
        if self._origins.has(text):
            return b"access-control-allow-origin: " + origin + b"\r\n"
        return b""


class Edge:
    """One a relay."""

    def __init__(self, settings: RelaySettings) -> None:
        self.cors = Cors(settings) if settings.cors_origins else None
        self.standing = _standing(settings)
        """Header lines of every answer."""
        self._trusted: tuple[Network, ...] = tuple(network_in(text) for text in settings.trusted_proxies)
        self._hops = _hops_of_forwarded if settings.forwarded_header == "forwarded" else _hops
        self._rules = NetworkRules()
        self._networks: Networks | None = None
        self._verdicts: dict[str, bool] = {}
        self.turned_away: Callable[[str, str], None] = lambda address, code: None
        """Told of an address and an error's code; set when the relay is put together."""

    def apply(self, rules: NetworkRules) -> bool:
        """Puts rules in force. True when they are others than before."""
        if rules == self._rules:
            return False
        self._rules = rules
        self._networks = Networks.of(rules.allowed, rules.denied) or None
        self._verdicts.clear()
        return True

    # ---- a request's head

    def look(self, connection: "CallerEnd", head: "RequestHead") -> AddressForbidden | None:
        """What is wrong with where a request comes from. Lets whoever asks for /health in from everywhere."""
        if self.cors is not None:
            self.cors.look(head)
        if self._networks is None or head.route.kind is Kind.HEALTH:
            return None
        address = self.client_address(connection, head)
        if self._may_enter(self._networks, address):
            return None
        self.turned_away(address, AddressForbidden.code)
        return AddressForbidden(
            f"This gateway takes no requests from {address or 'an unknown address'}.", details={"address": address}
        )

    def _may_enter(self, networks: Networks, address: str) -> bool:
        verdict = self._verdicts.get(address)
        if verdict is None:
            if len(self._verdicts) >= _REMEMBERED:
                self._verdicts.clear()
            parsed = address_in(address)
            verdict = self._verdicts[address] = parsed is not None and networks.allow(parsed)
        return verdict

    def client_address(self, connection: "CallerEnd", head: "RequestHead | None") -> str:
        """The caller's address: the peer's, or what trusted proxies say of it, read from the right. What is no
        address ends the reading: nobody trusted wrote what stands to the left of it."""
        address = connection.client
        if head is None or not self._trusted:
            return address
        for hop in self._hops(head):
            if not self._is_trusted(address):
                break
            parsed = address_in(hop.decode("latin-1"))
            if parsed is None:
                break
            address = str(parsed)
        return address

    def _is_trusted(self, text: str) -> bool:
        address = address_in(text)
        return address is not None and any(address in network for network in self._trusted)


def _hops(head: "RequestHead") -> Iterable[bytes]:
    """Of X-Forwarded-For: what its proxies said, the nearest first."""
    return () if head.forwarded_for is None else reversed(head.forwarded_for.split(b","))


def _hops_of_forwarded(head: "RequestHead") -> Iterable[bytes]:
    """Of Forwarded (RFC 7239). Read from the right and without regard to quotes, which no address needs to hold a
    comma: whatever a caller wrote on the left cannot hide what a proxy added."""
    value = b",".join(value for name, value in head.pairs if name == b"forwarded")
    return map(_for_of, reversed(value.split(b","))) if value else ()


def _for_of(element: bytes) -> bytes:
    """`for=` of one element; empty where it says none."""
    for pair in element.split(b";"):
        name, _, value = pair.strip().partition(b"=")
        if name.lower() == b"for":
            return value
    return b""


def _standing(settings: RelaySettings) -> bytes:
    lines = b"x-content-type-options: nosniff\r\n"
    if settings.hsts_max_age_s and (settings.tls is not None or settings.public_url.startswith("https://")):
        lines += b"strict-transport-security: max-age=%d\r\n" % settings.hsts_max_age_s
    return lines
