"""Which requests the relay answers itself, and in whose form it answers when something is wrong."""

from enum import Enum

from turnpike.contract.scopes import SCOPE_BIT
from turnpike.wire.dialect import Dialect, StreamForms
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.media.dialect import MediaDialect
from turnpike.wire.operations import ENDPOINTS, Endpoint, Operation
from turnpike.wire.passage.kinds import LISTED_PATHS
from turnpike.wire.passage.watched import watched


class Kind(Enum):
    CALL = "call"
    """A model call."""
    MODELS = "models"
    HEALTH = "health"
    RELAY_METRICS = "relay_metrics"
    FORWARD = "forward"
    """Control's."""
    PASSAGE = "passage"
    """Another path of a known API: passed through, governed."""
    UNKNOWN = "unknown"
    """Below /v1, but nothing that we know."""
    REALTIME = "realtime"
    REFUSED = "refused"
    """Known, and never passed on."""
    WRONG_METHOD = "wrong_method"


class Route:
    """What a method and path mean."""

    __slots__ = (
        "allow", "call_dialect", "dialect", "dialect_name", "endpoint", "forms", "is_call", "kind", "label", "media",
        "method", "model_in_path", "operation", "prefix", "provider", "scope", "scope_bit", "suffix",
        "takes_form", "watched",
    )  # fmt: skip

    def __init__(self, kind: Kind, label: str, endpoint: Endpoint | None = None, allow: str = "") -> None:
        self.kind = kind
        self.label = label
        """For metrics: a path pattern, never a caller's free text."""
        self.endpoint = endpoint
        self.allow = allow
        self.method = endpoint.method if endpoint else ""
        self.operation: str = endpoint.operation.value if endpoint else ""
        self.dialect_name = endpoint.dialect if endpoint else ""
        self.scope = endpoint.scope if endpoint else ""
        self.scope_bit = SCOPE_BIT[endpoint.scope] if endpoint else 0
        self.dialect: Dialect | None = DIALECTS[endpoint.dialect] if endpoint else None
        self.media = self.dialect if kind is Kind.CALL and isinstance(self.dialect, MediaDialect) else None
        """Of a call whose request or answer is no JSON: it takes a way of its own."""
        self.takes_form = self.media is not None and self.media.takes_form
        self.is_call = kind is Kind.CALL and self.media is None
        """A call in JSON, answered in JSON or events."""
        self.forms = self.dialect if isinstance(self.dialect, StreamForms) else None
        self.watched = watched(label) if endpoint is not None else None
        """Whether its calls may have to do with stored objects."""
        self.provider: str | None = None
        """Slug of the only provider that the path leaves open."""
        self.model_in_path = endpoint is not None and endpoint.model_in_path
        prefix, _, suffix = label.partition("{model}") if self.model_in_path else (label, "", "")
        self.prefix = prefix.encode()
        self.suffix = suffix.encode()
        """What stands before and behind the model in the path."""
        self.call_dialect = self.dialect or DIALECTS["openai_chat"]
        """Of a model call, for sure."""
        if kind is Kind.PASSAGE:
            self.scope = "passthrough"
            self.scope_bit = SCOPE_BIT[self.scope]
        if kind in (Kind.UNKNOWN, Kind.WRONG_METHOD, Kind.REFUSED) and self.dialect is None:
            self.dialect = DIALECTS["openai_chat"]


_KINDS = {Operation.LIST_MODELS: Kind.MODELS, Operation.REALTIME: Kind.REALTIME}
_FORWARD = Route(Kind.FORWARD, "control")
_UNKNOWN = Route(Kind.UNKNOWN, "/v1/*")
_PASSAGE = Route(Kind.PASSAGE, "this path")
_MODEL = next(endpoint for endpoint in ENDPOINTS if endpoint.operation is Operation.LIST_MODELS)
_ONE_MODEL = Route(Kind.MODELS, "/v1/models/{model}", _MODEL)
_GEMINI_MODEL = next(endpoint for endpoint in ENDPOINTS if endpoint.path == "/v1beta/models")
_ONE_GEMINI_MODEL = Route(Kind.MODELS, "/v1beta/models/{model}", _GEMINI_MODEL)


_BY_THE_GATEWAY = (
    "/v1/realtime/client_secrets",
    "/v1/realtime/sessions",
    "/v1/realtime/transcription_sessions",
    "/v1/realtime/calls",
)
"""What they give out lets its holder reach the provider without the gateway."""


def _table() -> dict[tuple[bytes, bytes], Route]:
    table: dict[tuple[bytes, bytes], Route] = {}
    for endpoint in ENDPOINTS:
        kind = _KINDS.get(endpoint.operation, Kind.CALL)
        if not endpoint.model_in_path:
            table[endpoint.method.encode(), endpoint.path.encode()] = Route(kind, endpoint.path, endpoint)
    for path in _BY_THE_GATEWAY:
        table[b"POST", path.encode()] = Route(Kind.REFUSED, path)
    table[b"GET", b"/health"] = Route(Kind.HEALTH, "/health")
    table[b"GET", b"/health/relay/metrics"] = Route(Kind.RELAY_METRICS, "/health/relay/metrics")
    return table


_TABLE = _table()
_PATTERNS = tuple(Route(Kind.CALL, endpoint.path, endpoint) for endpoint in ENDPOINTS if endpoint.model_in_path)
_METHODS: dict[bytes, str] = {}
for _method, _path in _TABLE:
    _METHODS[_path] = ", ".join(filter(None, (_METHODS.get(_path), _method.decode())))
_WRONG_METHOD = {path: Route(Kind.WRONG_METHOD, path.decode(), allow=allow) for path, allow in _METHODS.items()}


_BELOW_VERSION = (b"/v1/", b"/v1beta/", b"/v1alpha/", b"/upload/v1beta/")


def route_of(method: bytes, path: bytes) -> Route:
    route = _TABLE.get((method, path))
    if route is not None:
        return route
    wrong = _WRONG_METHOD.get(path)
    if wrong is not None:
        return _PASSAGE if method == b"GET" and path.decode() in LISTED_PATHS else wrong
    for pattern in _PATTERNS:
        if path.startswith(pattern.prefix) and path.endswith(pattern.suffix):
            if method == pattern.method.encode():
                return pattern
            return Route(Kind.WRONG_METHOD, pattern.label, pattern.endpoint, allow=pattern.method)
    if path.startswith(b"/v1/models/") and method == b"GET":
        return _ONE_MODEL
    if path.startswith(b"/v1beta/models/") and method == b"GET":
        return _ONE_GEMINI_MODEL
    if path.startswith(_BELOW_VERSION):
        return _PASSAGE
    if path == b"/v1":
        return _UNKNOWN
    return _FORWARD


def call_routes() -> list[Route]:
    """Every route of a model call."""
    return [*(route for route in _TABLE.values() if route.kind is Kind.CALL), *_PATTERNS]
