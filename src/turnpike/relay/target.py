"""A deployment, compiled for the fast path: what does not depend on a request is computed here once.

Request heads, encoded journal parts, costs. What must outlive a snapshot (breakers, pools, counters) is handed in.
"""

from collections.abc import Callable
from urllib.parse import quote, urlsplit

import msgspec

from turnpike.contract.events import Served
from turnpike.contract.snapshot import CredentialSpec, ModelSpec, OperationSpec, ProviderSpec
from turnpike.relay.backend import Backend
from turnpike.relay.gates import target_gates
from turnpike.relay.metrics import Labels, Metrics
from turnpike.relay.pools import Pool
from turnpike.wire.aws.sigv4 import Signer, read_keys
from turnpike.wire.bounds import Bound
from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.common.errors import refusal_in
from turnpike.wire.dialects.common.form_request import FormRequests
from turnpike.wire.framing import FRAMINGS
from turnpike.wire.operations import PLAIN, Endpoint
from turnpike.wire.prices import compile_cost
from turnpike.wire.profiles.quirks import MODEL_IN_PATH, REWRITTEN, STATUS_IN_BODY
from turnpike.wire.types.usage import Usage

_encode = msgspec.msgpack.Encoder().encode


class Target:
    """A deployment, ready to be sent a request of one endpoint."""

    __slots__ = (
        "answer_head", "auth", "backend", "bound", "breaker", "cost", "credential", "dialect", "find_refusal",
        "framing", "gates", "gauge", "header_members", "headers", "hidden", "host", "max_output_tokens", "passes_query",
        "path", "plain", "pool", "quirks", "rates", "same", "served", "served_raw", "signer", "stream_path",
        "takes_form", "tally", "unusual", "upstream_model", "verbatim",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - a compiled row: every part is named at the only call
        self,
        model: ModelSpec,
        provider: ProviderSpec,
        credential: CredentialSpec | None,
        operation: OperationSpec,
        endpoint: Endpoint,
        backend: Backend,
        pool: Pool,
        metrics: Metrics,
    ) -> None:
        base = urlsplit(provider.base_url)
        self.backend = backend
        self.breaker = backend.breaker
        self.gauge = backend.gauge
        self.pool = pool
        self.tally = metrics.tally(
            Labels(endpoint.method, endpoint.path, provider.slug, model.name, endpoint.operation)
        )
        self.dialect: Dialect = DIALECTS[operation.dialect]
        self.same = operation.dialect == endpoint.dialect
        """Its answers go on as they come, and tell their whole usage."""
        self.upstream_model = model.upstream_model
        self.max_output_tokens = model.max_output_tokens
        self.quirks = frozenset(provider.quirks)
        self.find_refusal = refusal_in if STATUS_IN_BODY in self.quirks else None
        self.plain = self.same and endpoint.operation in PLAIN and self.find_refusal is None
        """Whole answers go on as they came, looked at for usage alone."""
        root = base.path.rstrip("/")
        self.path = (root + operation.path_for(model.upstream_model)).encode()
        self.stream_path: bytes | None = None
        """Where streams have a path of their own."""
        if operation.stream_path is not None:
            self.stream_path = (root + operation.path_for(model.upstream_model, stream=True)).encode()
        self.host = base.netloc.rpartition("@")[2].encode()
        self.framing = FRAMINGS[operation.framing]
        self.header_members = operation.header_members if self.same else {}
        changed = bool(self.header_members) or MODEL_IN_PATH in self.quirks
        rewrites = changed or not REWRITTEN.isdisjoint(self.quirks)
        self.verbatim = model.upstream_model if self.same and not rewrites else None
        """The name of a model that a caller's whole request may go on under, byte for byte."""
        self.passes_query = self.same and not changed
        self._take_credential(provider, credential)
        self.takes_form = isinstance(self.dialect, FormRequests)
        """Its requests are forms, although callers send JSON."""
        self.unusual = self.stream_path is not None or self.signer is not None or self.takes_form
        self.bound = Bound(model.rates, model.context_window, model.max_output_tokens)
        self.rates = model.rates
        self.cost: Callable[[Usage], int] | None = compile_cost(model.rates) if model.rates else None
        self.served = Served(
            provider.id, provider.slug, model.id, credential.id if credential else None, model.name,
            model.upstream_model, operation.dialect, model.price_source,
        )  # fmt: skip
        self.gates = target_gates(model, provider, credential)
        self.served_raw = msgspec.Raw(_encode(self.served))
        self.answer_head = f"x-turnpike-provider: {provider.slug}\r\nx-turnpike-deployment: {model.id}\r\n".encode()

    def _take_credential(self, provider: ProviderSpec, credential: CredentialSpec | None) -> None:
        """How this credential is sent: as a header, as a parameter of the query, or as a signature of each request."""
        self.credential = credential
        auth = (credential.auth if credential else None) or provider.auth
        secret = credential.secret if credential else None
        self.auth = auth.header.lower().encode()
        self.signer: Signer | None = None
        self.hidden: tuple[str, ...] = (secret,) if secret else ()
        """What must not be told to a caller, should the provider repeat it."""
        headers = [(name.lower().encode(), value.encode()) for name, value in provider.headers.items()]
        if secret and auth.kind == "sigv4":
            keys = read_keys(secret)
            self.signer = Signer(keys, auth.region, auth.service)
            self.hidden = tuple(filter(None, (keys.secret_access_key, keys.session_token, keys.access_key_id)))
        elif secret and auth.query:
            self.path = _with_parameter(self.path, auth.query, secret)
            self.stream_path = _with_parameter(self.stream_path, auth.query, secret) if self.stream_path else None
        elif secret and auth.header:
            headers.append((self.auth, (auth.prefix + secret).encode()))
        self.headers = tuple(headers)
        """Those that we set, in lower case: the provider's own and the credential."""


def _with_parameter(path: bytes, name: str, value: str) -> bytes:
    return path + (b"&" if b"?" in path else b"?") + f"{name}={quote(value, safe='')}".encode()
