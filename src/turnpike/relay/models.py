"""GET /v1/models and /v1/models/{model}, and the same below /v1beta: exactly what the caller's key may call, in the
caller's own form."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from turnpike.contract.routing.residency import refusing
from turnpike.contract.snapshot import ModelSpec
from turnpike.errors import ModelNotFound, TurnpikeError, Unauthenticated, Unavailable
from turnpike.kit.clock import now_ms
from turnpike.relay.admit import check_caller, identify
from turnpike.relay.head import RequestHead
from turnpike.relay.keys import Entry
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.models import (
    ModelEntry,
    read_gemini_page,
    read_page,
    write_anthropic_list,
    write_anthropic_model,
    write_gemini_list,
    write_gemini_model,
    write_openai_list,
    write_openai_model,
)

if TYPE_CHECKING:
    from turnpike.relay.catalog import Catalog
    from turnpike.relay.core import Relay
    from turnpike.relay.protocol import ClientConnection

_LIST = (b"/v1/models", b"/v1beta/models")
_FORMS = ((b"anthropic-version", "anthropic_messages"), (b"x-goog-api-client", "gemini"), (b"x-goog-api-key", "gemini"))
"""Several vendors' lists stand at the same path; their clients always send these headers."""


class ModelsQuestion:
    """One request for the list or a model of it; may have to wait for control to say who asks."""

    def __init__(self, relay: "Relay", connection: "ClientConnection", head: RequestHead) -> None:
        self._relay = relay
        self._connection = connection
        self._head = head
        self._started = relay.now()
        self._request_id = head.request_id or relay.ids.next_bytes().hex()
        self._form = _form_of(head)

    def start(self) -> None:
        self._connection.conversation = self
        try:
            entry = identify(self._relay, self._connection, self._head)
        except TurnpikeError as error:
            self._refuse(error)
            return
        if entry is not None:
            self._identified(entry)
            return
        assert self._head.digest is not None
        self._relay.keys.resolve(self._head.digest, self._started, self._identified, self._head.token)

    def _identified(self, found: "Entry | Unauthenticated | Unavailable") -> None:
        if self._connection.conversation is not self:
            return
        try:
            if not isinstance(found, Entry):
                raise found
            check_caller(self._relay, self._connection, self._head, found, now_ms())
            body = self._answer(found)
        except TurnpikeError as error:
            self._refuse(error)
            return
        self._count(200)
        self._connection.answer(200, f"x-request-id: {self._request_id}\r\n".encode(), body)

    def _answer(self, entry: Entry) -> bytes:
        """Raises ModelNotFound or InvalidRequest."""
        catalog = self._relay.catalog
        profile, open_to = entry.profile, self._open_to(entry)
        routes = dict(profile.usable_routes())
        named = {rows[0].name: rows for rows in profile.usable_models()}
        # A route goes before a model or an alias of its name: what can be called is what it leads to.
        named = {**named, **dict(profile.usable_aliases()), **routes}
        entries = [_entry(catalog, rows, name) for name, found in named.items() if (rows := open_to(found))]
        path = self._head.path
        query = self._head.parameters()
        if path not in _LIST:
            name = unquote(path.partition(b"/models/")[2].decode("latin-1"))
            model = next((each for each in entries if each.name == name), None) or self._meant(entry, name)
            if model is None:
                raise ModelNotFound(f"There is no model '{name[:200]}' that this API key may use.")
            return _WRITE_ONE.get(self._form, write_openai_model)(model)
        if self._form == "anthropic_messages":
            return write_anthropic_list(entries, read_page(query))
        if self._form == "gemini":
            return write_gemini_list(entries, read_gemini_page(query))
        return write_openai_list(entries)

    def _meant(self, entry: Entry, name: str) -> ModelEntry | None:
        """A model by another of its names: with its provider's, or one that a wildcard covers. Raises ModelNotFound
        for a retired one."""
        rows = self._open_to(entry)(self._relay.catalog.usable_rows(entry.profile, name))
        return _entry(self._relay.catalog, rows, name) if rows else None

    def _open_to(self, entry: Entry) -> Callable[[list[ModelSpec]], list[ModelSpec]]:
        """Leaves the rows where the caller's data may go."""
        index = self._relay.catalog.index
        policies = index.residency.of(entry.caller, self._head.tags)
        if not policies:
            return lambda rows: rows
        return lambda rows: [row for row in rows if refusing(policies, index.region_of(row)) is None]

    def _refuse(self, error: TurnpikeError) -> None:
        self._count(error.status)
        self._relay.answer_error(self._connection, DIALECTS[self._form], error, self._request_id)

    def _count(self, status: int) -> None:
        seconds = self._relay.now() - self._started
        self._relay.metrics.count_other("GET", self._head.route.label, status, seconds)

    # ---- Conversation

    def client_gone(self) -> None:
        pass

    def client_stalled(self) -> None:
        pass

    def client_ready(self) -> None:
        pass


_WRITE_ONE = {"anthropic_messages": write_anthropic_model, "gemini": write_gemini_model}


def _form_of(head: RequestHead) -> str:
    """The dialect in whose form the list is wanted."""
    if head.path.startswith(b"/v1beta/"):
        return "gemini"
    return next((form for header, form in _FORMS if head.header(header) is not None), "openai_chat")


def _entry(catalog: "Catalog", rows: list[ModelSpec], name: str | None = None) -> ModelEntry:
    """What callers see of a model: what any of its rows can, with the first row's facts."""
    first = rows[0]
    return ModelEntry(
        name=name or first.name,
        alias_of=first.name if name not in (None, first.name) and name not in catalog.index.routes else None,
        created_s=first.created_s,
        owned_by=catalog.providers[first.provider_id].slug,
        display_name=first.display_name,
        capabilities=tuple(sorted({capability for row in rows for capability in row.capabilities})),
        context_window=first.context_window,
        max_output_tokens=first.max_output_tokens,
        rates=first.rates,
    )


def answer_models(relay: "Relay", connection: "ClientConnection", head: RequestHead) -> None:
    ModelsQuestion(relay, connection, head).start()
