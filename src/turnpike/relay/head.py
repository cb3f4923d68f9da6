"""The head of a caller's request: read once, checked, and turned into what goes upstream.

On a kept connection the same head (but for its Content-Length) usually comes again and again; the protocol then hands
on this very object, so everything derived from a head is kept on it and never changes with a request.
"""

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

from turnpike.errors import InvalidRequest, TurnpikeError
from turnpike.relay.connect import absolute_target
from turnpike.relay.endpoints import Route, route_of
from turnpike.wire.passage.paths import Api, versioned

if TYPE_CHECKING:
    from turnpike.relay.keys import Entry
    from turnpike.relay.target import Target

Pairs = list[tuple[bytes, bytes]]

HOP_BY_HOP: frozenset[bytes] = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
"""RFC 9110, 7.6.1: they speak of one connection and are never passed on."""

_OURS: frozenset[bytes] = HOP_BY_HOP | frozenset(
    (
        # set anew for the connection upstream
        b"host", b"content-length", b"content-type", b"content-encoding", b"accept-encoding", b"expect",
        b"x-request-id",
        # the caller's credentials
        b"authorization", b"proxy-authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"cookie",
        # what proxies in front of us said of the caller
        b"forwarded", b"via", b"x-real-ip", b"true-client-ip", b"cf-connecting-ip",
    )
)  # fmt: skip
_OURS_BEGIN = (b"x-turnpike-", b"x-forwarded-", b"proxy-")
_ONE_API = (b"anthropic-", b"openai-", b"x-stainless-", b"x-goog-")
"""Headers that mean something to one vendor's API only."""

_KEY_IN_QUERY = (b"/v1beta/", b"/v1/models", b"/gemini/")
_PREFIXES = tuple(f"/{api}/".encode() for api in Api)

_TARGETS_AT_MOST = 16
_TAGS_AT_MOST = 8
_TAG = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_TRACE_PARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_AMBIGUOUS = re.compile(rb"//|/\.\.?(?:/|$)|%(?:2[eEfF]|5[cC]|00)|\\|[\x00-\x20\x7f-\xff#]")
_SLASH_IN_NAME = re.compile(rb"(?:(?<=^/v1/models/)|(?<=^/v1beta/models/))[^/]*%2[fF][^/]*$")
"""A model's name may have slashes, which SDKs encode; it is looked up here and goes no further."""
_OWNED_ONCE: frozenset[bytes] = frozenset(
    (b"host", b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"content-length", b"content-type",
     b"content-encoding", b"x-request-id", b"transfer-encoding", b"expect")
)  # fmt: skip


class RequestHead:
    """Method, path and headers of a request."""

    __slots__ = (
        "chunked", "content_length", "digest", "drops", "encoding", "entry", "expects_continue", "fault",
        "forwarded_for", "http_1_0", "is_call", "keep_alive", "lines", "method", "pairs", "path", "prefix",
        "query", "request_id", "route", "session", "stream_heads", "tags", "takes_form", "target", "token",
        "trace_id", "upgrade", "upstream_heads",
    )  # fmt: skip

    def __init__(self, method: bytes, target: bytes, pairs: Pairs, *, http_1_0: bool) -> None:
        """`pairs`: lower-case names and values as they came. What is wrong is kept in `fault`, so that the protocol
        can answer it in the form of the API that the path belongs to."""
        self.method = method
        self.target = target
        self.pairs = pairs
        self.http_1_0 = http_1_0
        self.fault: TurnpikeError | None = None
        path, _, self.query = _origin_form(target).partition(b"?")
        self.prefix = ""
        """What of the path only says whose API is meant: an API's name, or a provider's slug."""
        if path.startswith(_PREFIXES):
            path = self._take_prefix(path)
        self.path = path
        self.route: Route = route_of(method, path)
        self.token: bytes | None = None
        self.digest: bytes | None = None
        self.entry: Entry | None = None
        self.request_id: str | None = None
        self.trace_id: str | None = None
        self.content_length: int | None = None
        self.encoding: bytes | None = None
        self.forwarded_for: bytes | None = None
        self.takes_form = False
        """Its body goes to `turnpike.relay.uploads` as it comes."""
        self.lines = b""
        """Header lines that its answer has, whatever it is (turnpike.relay.edge)."""
        self.tags: tuple[str, ...] = ()
        """What the caller files this call under: budgets and routes may go by it."""
        self.session: bytes | None = None
        """What the caller counts as one conversation: calls of one may go to the same deployment."""
        self.drops = False
        """What a target has no word for may be left out."""
        self.chunked = self.expects_continue = self.upgrade = False
        self.upstream_heads: dict[Target, bytes] = {}
        self.stream_heads: dict[Target, bytes] = {}
        """For targets whose streams have a path of their own."""
        connection = self._read_headers()
        if b"key=" in self.query and path.startswith(_KEY_IN_QUERY):
            self._read_key_in_query()
        self.keep_alive = b"keep-alive" in connection if http_1_0 else b"close" not in connection
        self.is_call = self.route.is_call
        """A model call of which nothing is wrong so far."""
        if _AMBIGUOUS.search(_SLASH_IN_NAME.sub(b"", path)) or not path.startswith(b"/"):
            self.fault = InvalidRequest(
                "The path is ambiguous: it has an empty or dot segment, an encoded slash or dot, a backslash or a"
                " character outside ASCII. Send it in its plain form."
            )

    def _take_prefix(self, path: bytes) -> bytes:
        """`/openai/v1/files` is `/v1/files` of OpenAI; where the version is left out it is the usual one."""
        name, _, rest = path[1:].partition(b"/")
        self.prefix = name.decode()
        return versioned(Api(self.prefix), b"/" + rest)

    def _read_headers(self) -> bytes:
        """Fills the fields from the headers; returns the Connection header in lower case."""
        connection = b""
        seen: set[bytes] = set()
        for name, value in self.pairs:
            if name in _OWNED_ONCE:
                if name in seen:
                    self.fault = InvalidRequest(f"The header '{name.decode()}' stands there twice.")
                seen.add(name)
            match name:
                case b"authorization":
                    scheme, _, token = value.partition(b" ")
                    if scheme.lower() == b"bearer" and token.strip():
                        self.token = token.strip()
                case b"x-api-key" | b"api-key" | b"x-goog-api-key":
                    self.token = self.token or value.strip() or None
                case b"connection":
                    connection += value.lower() + b","
                case b"content-length":
                    self.content_length = int(value) if value.isdigit() else None
                case b"transfer-encoding":
                    self.chunked = True
                case b"content-encoding":
                    encoding = value.strip().lower()
                    self.encoding = encoding if encoding and encoding != b"identity" else None
                case b"expect":
                    self.expects_continue = value.strip().lower() == b"100-continue"
                    if not self.expects_continue:
                        self.fault = InvalidRequest("The only expectation known here is '100-continue'.")
                case b"upgrade":
                    self.upgrade = True
                case b"x-request-id":
                    self.request_id = value.decode() if _REQUEST_ID.fullmatch(value) else None
                case b"x-turnpike-drop-unsupported":
                    self.drops = value.strip().lower() in (b"true", b"1", b"yes")
                case b"x-turnpike-session":
                    self.session = value.strip() or None
                case b"x-turnpike-tags":
                    self._read_tags(value)
                case b"traceparent":
                    match_ = _TRACE_PARENT.fullmatch(value.strip())
                    self.trace_id = match_[1].decode() if match_ else None
                case b"x-forwarded-for":
                    self.forwarded_for = value if self.forwarded_for is None else self.forwarded_for + b"," + value
                case _:
                    pass
        if b"host" not in seen and not self.http_1_0:
            self.fault = InvalidRequest("The Host header is missing.")
        return connection

    def _read_tags(self, value: bytes) -> None:
        tags = [tag.strip() for tag in value.split(b",") if tag.strip()]
        if len(tags) > _TAGS_AT_MOST or not all(_TAG.fullmatch(tag) for tag in tags):
            self.fault = InvalidRequest(
                f"The header 'x-turnpike-tags' holds at most {_TAGS_AT_MOST} tags, apart by commas, each of up to 64"
                " letters, digits and any of . _ : -"
            )
        else:
            self.tags = tuple(dict.fromkeys(tag.decode() for tag in tags))

    def _read_key_in_query(self) -> None:
        """Gemini's clients may send their key as `?key=`; it goes no further."""
        parts = self.query.split(b"&")
        keys = [part[4:] for part in parts if part.startswith(b"key=")]
        if keys:
            self.token = self.token or unquote_to_bytes(keys[-1]).strip() or None
            self.query = b"&".join(part for part in parts if not part.startswith(b"key="))

    @property
    def path_model(self) -> str:
        """The model that the path names, where the route says that it does."""
        route = self.route
        end = len(self.path) - len(route.suffix)
        return unquote(self.path[len(route.prefix) : end].decode("latin-1"))

    @property
    def is_websocket(self) -> bool:
        return (self.header(b"upgrade") or b"").strip().lower() == b"websocket"

    def without_upgrade(self) -> bytes:
        """The head's bytes without its offer to upgrade."""
        offer = (b"upgrade", b"connection", b"http2-settings")
        lines = [b"%b %b HTTP/%b" % (self.method, self.target, b"1.0" if self.http_1_0 else b"1.1")]
        lines += [name + b": " + value for name, value in self.pairs if name not in offer]
        lines.append(b"connection: keep-alive" if self.keep_alive else b"connection: close")
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def parameters(self) -> dict[str, str]:
        """The query's parameters; of one that stands there twice, the last."""
        return dict(parse_qsl(self.query.decode("latin-1"), keep_blank_values=True))

    def header(self, name: bytes) -> bytes | None:
        return next((value for each, value in self.pairs if each == name), None)

    def named_in_connection(self) -> set[bytes]:
        """Headers that the caller meant for this connection only (RFC 9110, 7.6.1)."""
        values = [value for name, value in self.pairs if name == b"connection"]
        return {token.strip().lower() for value in values for token in value.split(b",")}

    def passed_on(self) -> Pairs:
        """The caller's headers without those that end here: hop-by-hop, credentials, ours."""
        named = self.named_in_connection()
        return [
            (name, value)
            for name, value in self.pairs
            if name not in _OURS and name not in named and not name.startswith(_OURS_BEGIN)
        ]

    def upstream_head(self, target: "Target", *, stream: bool = False) -> bytes:
        """Everything of the head to send that is the same for each request with this head to this target."""
        path = target.stream_path if stream and target.stream_path is not None else target.path
        if self.query and target.passes_query:
            path = _joined(path, self.query)
        heads = self.stream_heads if stream else self.upstream_heads
        lines = [
            b"POST " + absolute_target(target.pool.origin) + path + b" HTTP/1.1",
            b"host: " + target.host,
        ]
        passed = [(name, value) for name, value in self.passed_on() if target.same or not name.startswith(_ONE_API)]
        sent = {name for name, _ in passed}
        lines += [name + b": " + value for name, value in target.headers if name == target.auth or name not in sent]
        if target.signer is not None:
            passed = [(name, value) for name, value in passed if not name.startswith(b"x-amz-")]  # all would be signed
        own = {target.auth, b"accept-encoding"}
        if target.takes_form:
            own.add(b"accept")
            lines.append(b"accept: application/json")
        lines += [name + b": " + value for name, value in passed if name not in own]
        # Ends in the name of the header that differs from request to request.
        lines += [b"accept-encoding: identity", b"content-type: application/json", b"x-request-id: "]
        if len(heads) >= _TARGETS_AT_MOST:
            # Targets of snapshots that are no longer in force: on a connection that lives for days there are many.
            heads.clear()
        made = heads[target] = b"\r\n".join(lines)
        return made


def _joined(path: bytes, query: bytes) -> bytes:
    """The path with the caller's query; what the path's own query says, the caller's does not say again."""
    if b"?" not in path:
        return path + b"?" + query
    own = {part.partition(b"=")[0] for part in path.partition(b"?")[2].split(b"&")}
    more = [part for part in query.split(b"&") if part.partition(b"=")[0] not in own]
    return b"&".join((path, *more))


def _origin_form(target: bytes) -> bytes:
    """RFC 9112, 3.2.2: a server takes the absolute form too; its authority says nothing to us."""
    for scheme in (b"http://", b"https://"):
        if target[: len(scheme)].lower() == scheme:
            slash = target.find(b"/", len(scheme))
            return target[slash:] if slash >= 0 else b"/"
    return target
