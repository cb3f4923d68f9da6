"""One passed-through request, from its head to its settled answer.

identify -> path -> body -> owners -> provider -> models -> journal -> provider's answer -> settle
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from turnpike.contract.access import Role
from turnpike.contract.events import Outcome, Served
from turnpike.contract.objects import BatchFacts, OwnedObject
from turnpike.contract.routing.residency import InForce, refusing
from turnpike.contract.scopes import SCOPE_BIT, to_names
from turnpike.contract.snapshot import ModelSpec
from turnpike.errors import (
    BudgetSpent,
    Conflict,
    NotFound,
    PolicyRefused,
    ScopeMissing,
    TurnpikeError,
    Unauthenticated,
    Unavailable,
    UpstreamError,
)
from turnpike.relay.admit import check_caller, decode, identify
from turnpike.relay.backend import Backend
from turnpike.relay.gates import Gate, Hold
from turnpike.relay.gates.guarding import guards_of
from turnpike.relay.keys import Entry
from turnpike.relay.load.room import Place, room
from turnpike.relay.money.bounding import bound_of_passage
from turnpike.relay.passage.answer import carry
from turnpike.relay.passage.asked import Asked, api_of, error_dialect, read_asked
from turnpike.relay.passage.batch import admit_batch, batch_models, carries_batch, check_batch
from turnpike.relay.passage.body import Body
from turnpike.relay.passage.choice import Way, choose, model_at, out_of_bounds, ways_to
from turnpike.relay.passage.fetch import Fetch
from turnpike.relay.passage.gating import expected_of, gates_behind_guards, limits_of, units_of
from turnpike.relay.passage.lists import first_query
from turnpike.relay.passage.models import named_models, names_model, note_usage, rename_models
from turnpike.relay.passage.request import read_json, request_head
from turnpike.relay.passage.settle import open_call, settle_call
from turnpike.relay.refusals import reason_of
from turnpike.wire.bounds import Bound
from turnpike.wire.forms import FormScanner, boundary_of
from turnpike.wire.passage.paths import DEFAULT_VERSION, Api
from turnpike.wire.passage.references import Reference, plain_fields
from turnpike.wire.prices import Rates
from turnpike.wire.refusals import quota_status
from turnpike.wire.types.usage import Usage

if TYPE_CHECKING:
    from turnpike.relay.caller_end import CallerEnd
    from turnpike.relay.core import Relay
    from turnpike.relay.guards.passage import PassageGuard
    from turnpike.relay.head import RequestHead
    from turnpike.relay.uploads import Change, Form

_ADMINS = (Role.ADMIN, Role.SUPER_ADMIN)


class PassageCall:
    """State of one request. Defaults stand on the class: a call sets only what it reaches."""

    entry: Entry
    """Set, with `identified`, when it is known who calls."""
    residency: InForce = ()
    """The policies that say where this request may go."""
    asked: Asked
    body: Body
    way: Way
    at_provider: str | None = None
    """Id of the provider, once it is chosen."""
    identified = False
    target: OwnedObject | None = None
    """The object that the path names."""
    holders: "tuple[OwnedObject, ...]" = ()
    """All that the request names."""
    batch: BatchFacts | None = None
    """What the batch, or file of one, that is made was admitted for."""
    model = ""
    """As the caller wrote it."""
    rates: Rates | None = None
    served: Served | None = None
    usage: Usage | None = None
    guard: "PassageGuard | None" = None
    """Who looks at the answer."""
    streams = False
    made_by_stream = 0
    backend: Backend | None = None
    """Of the model that it names, whose attempts are counted."""
    probe = False
    sent = False
    committed = False
    settled = False
    ended = False
    reserved_nanousd = 0
    charged: tuple[str, ...] = ()
    holds: tuple[Hold, ...] = ()
    target_holds: tuple[Hold, ...] = ()
    extra_headers = b""
    units = 1
    moved = False
    """What was reserved went over to the object that was made."""
    first_byte_s = 0.0
    _status = 200
    _fetch: Fetch | None = None
    _task: "asyncio.Task[None] | None" = None
    _held: "asyncio.Future[None] | None" = None

    def __init__(self, relay: "Relay", connection: "CallerEnd", head: "RequestHead", body: "bytes | Form") -> None:
        self.relay = relay
        self.connection = connection
        self.head = head
        self.owners = relay.owners
        self._raw = body
        self.api: Api = api_of(head, relay.catalog)
        self.dialect = error_dialect(self.api)
        self.label = f"{head.method.decode('latin-1')} *"
        """Method and path as the ledger shows them, once the path is known."""
        self.query = head.query.decode("latin-1")
        self.started = relay.now()
        self.started_at_ms = int(self.started * 1000 + relay.wall_offset_ms)
        self.event_id = relay.ids.at(self.started_at_ms)
        self.request_id = head.request_id or self.event_id.hex()

    @property
    def hidden(self) -> tuple[str, ...]:
        return (self.way.credential.secret,) if self.way.credential is not None else ()

    @property
    def address(self) -> str:
        """Of the collection that is asked for, as the caller reaches it."""
        settings = self.relay.settings
        scheme = "https" if settings.tls is not None or settings.public_url.startswith("https:") else "http"
        host = (self.head.header(b"host") or b"").decode("latin-1")
        prefix = f"/{self.head.prefix}" if self.head.prefix else ""
        kind = self.asked.place.kind
        return f"{scheme}://{host}{prefix}/{DEFAULT_VERSION[kind.api]}/{'/'.join(kind.collection)}"

    def bound_nanousd(self, bounds: tuple[Bound, ...]) -> int | None:
        return bound_of_passage(self)

    def start(self) -> None:
        self.connection.conversation = self
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        try:
            await self._pass()
        except TurnpikeError as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - the last line of defence: a bug must not cost the caller its answer
            self.relay.log.failure("passing through failed", error, request_id=self.request_id)
            self._failed(TurnpikeError())
        finally:
            self._fetch = None
            self._let_go()

    def _let_go(self) -> None:
        if not isinstance(self._raw, bytes):
            self._raw.close()

    def go_on(self) -> None:
        """As every governed call: the gate that held it lets it pass."""
        self._let_pass(None)

    def refuse(self, error: TurnpikeError) -> None:
        self._let_pass(error)

    def _let_pass(self, error: TurnpikeError | None) -> None:
        waiting = self._held
        if waiting is None or waiting.done():
            return
        if error is None:
            waiting.set_result(None)
        else:
            waiting.set_exception(error)

    async def _enter(self, gates: tuple[Gate, ...]) -> None:
        """Passes gates, one after the other. Raises the error that one refuses with."""
        for gate in gates:
            self._held = asyncio.get_running_loop().create_future()
            if not gate.enter(self):
                await self._held
        self._held = None

    async def _pass(self) -> None:
        self.entry = await self._caller()
        self.identified = True
        check_caller(self.relay, self.connection, self.head, self.entry, self.started_at_ms)
        asked = self.asked = read_asked(self.head, self.api)
        self.label = asked.label
        self._check_scope(asked)
        if self.head.encoding is not None:
            # A form or file with an encoding was refused before it was read.
            self._raw = decode(self.head.encoding, cast("bytes", self._raw), self.relay.settings.body_limit_bytes)
        content_type = self.head.header(b"content-type")
        self.body = Body(self.api, content_type, self._raw, may_be_raw=asked.is_upload)
        if isinstance(self._raw, bytes):
            self._raw = b""
        await self._find_holders([] if carries_batch(self) else self.body.references())
        self._check_deletion()
        profile, catalog = self.entry.profile, self.relay.catalog
        self.residency = catalog.index.residency.of(self.entry.caller, self.head.tags)
        ways = ways_to(catalog, profile, self.api, asked.provider, self.residency)
        models = batch_models(self, ways) if carries_batch(self) else named_models(self)
        self.way = choose(catalog, profile, ways, self.holders, models, asked)
        self.at_provider = self.way.provider.id
        rename_models(self, [] if carries_batch(self) else models)
        await admit_batch(self)
        check_batch(self)
        self.units = units_of(self)
        await self._enter(limits_of(self))
        if self.relay.catalog.snapshot.guard_policies:
            before = self.body
            await self._look_at({*models, *([self.served.model] if models and self.served is not None else [])})
            if self.body is not before:
                rename_models(self, [] if carries_batch(self) else models)
                await admit_batch(self)
        await self._enter(gates_behind_guards(self))
        if self.backend is not None:
            await room(self.relay, self.entry, self.model, Place(self.backend))
        await self._send()

    def expected(self, resource: str) -> int:
        return expected_of(self, resource)

    def rewrite(self, changes: "Sequence[Change]") -> None:
        """A guard puts something else into the form."""
        form = self.body.form
        assert form is not None
        scanner = FormScanner(boundary_of(form.content_type), plain_fields(self.api), keeps_all=True)
        self._raw = form.rewritten(changes, scanner)
        self.body = Body(self.api, form.content_type, self._raw, may_be_raw=False)

    async def _look_at(self, models: set[str]) -> None:
        """`models`: none where the request names none; then those of any model hold. Raises PolicyRefused."""
        guards = guards_of(self.relay)
        guard = self.guard = guards.look_at_passage(self, models) if guards is not None else None
        if guard is not None:
            self._held = asyncio.get_running_loop().create_future()
            if not guard.enter():
                await self._held
            self._held = None

    # ---- who, what, whose

    async def _caller(self) -> Entry:
        """Raises Unauthenticated or Unavailable."""
        entry = identify(self.relay, self.connection, self.head)
        if entry is not None:
            return entry
        waiting: asyncio.Future[Entry | Unauthenticated | Unavailable] = asyncio.get_running_loop().create_future()

        def found(answer: "Entry | Unauthenticated | Unavailable") -> None:
            if not waiting.done():
                waiting.set_result(answer)

        assert self.head.digest is not None
        self.relay.keys.resolve(self.head.digest, self.started, found, self.head.token)
        answer = await waiting
        if not isinstance(answer, Entry):
            raise answer
        return answer

    def _check_scope(self, asked: Asked) -> None:
        scope = asked.place.kind.scope
        if scope is not None and not self.entry.scopes & SCOPE_BIT[scope]:
            raise ScopeMissing(
                f"This API key lacks the scope '{scope}', which {asked.place.pattern} asks for besides 'passthrough'.",
                details={"scope": scope, "scopes": to_names(self.entry.scopes)},
            )
        if asked.creates:
            self.owners.check_line()

    async def _find_holders(self, references: Iterable[Reference]) -> None:
        """Raises NotFound for what is not there or another's: the two cannot be told apart."""
        place = self.asked.place
        wanted = list(references)
        if place.object_id is not None and not names_model(self):
            wanted.insert(0, Reference(place.kind.full_name, place.object_id, ""))
        if not wanted:
            return
        is_deletion = self.asked.method == b"DELETE"
        found = await self.owners.find(((each.kind, each.object_id) for each in wanted), fresh=is_deletion)
        holders: list[OwnedObject] = []
        for each in wanted:
            owned = self.mine(found.get((each.kind, each.object_id), ()))
            if owned is None:
                raise _missing(each)
            holders.append(owned)
            if not each.field:
                self.target = owned
        self.holders = (*self.holders, *holders)

    def mine(self, owned: tuple[OwnedObject, ...]) -> OwnedObject | None:
        """The one that the caller may see, at the provider that it names or goes to."""
        caller, slug = self.entry.caller, self.asked.provider
        catalog = self.relay.catalog
        sees_all = self.entry.profile.role in _ADMINS and catalog.snapshot.policies.admins_see_all_objects
        for each in owned:
            provider = catalog.providers.get(each.provider_id)
            if provider is None or slug not in (None, provider.slug):
                continue
            if self.at_provider not in (None, each.provider_id):
                continue
            if sees_all or each.owner.user_id == caller.user_id:
                return each
        return None

    def _check_deletion(self) -> None:
        """What is deleted cannot be asked for its cost any more. Raises Conflict."""
        if self.asked.method == b"DELETE" and self.target is not None and self.target.usage_later:
            if self.asked.place.tail:
                return
            self.owners.seen_to_end(self.target)
            raise Conflict("What this has cost is not written down yet. Delete it a moment after it has ended.")

    async def check_references(self, references: Iterable[Reference]) -> None:
        """Of a batch's lines. Raises NotFound."""
        await self._find_holders(references)

    # ---- models

    def model_at(self, name: str, operation: str | None = None) -> ModelSpec:
        catalog = self.relay.catalog
        row = model_at(catalog, self.entry.profile, self.way, name, operation)
        refused = refusing(self.residency, catalog.index.region_of(row))
        if refused is not None:
            raise out_of_bounds(refused)
        return row

    def used(self, usage: Usage | None, answer: Any) -> None:
        note_usage(self, usage, answer)

    # ---- there and back

    async def _send(self) -> None:
        settings = self.relay.settings
        pool = self.relay.pools.of(self.way.provider)
        body = self.body.write()
        fetch = self._fetch = Fetch(pool, settings.response_limit_bytes)
        query = first_query(self.asked.place.kind, self.query) if self.asked.lists else self.query
        open_call(self)
        self.sent = True
        if self.backend is not None:
            self.probe = self.backend.begin()
        head = await fetch.head(request_head(self, query, len(body)), body, settings.first_byte_timeout_s)
        self.first_byte_s = self.relay.now() - self.started
        await carry(self, fetch, head)

    async def ask_again(self, query: str) -> Any:
        """A further page of the list that was asked for. Raises UpstreamError."""
        settings = self.relay.settings
        fetch = self._fetch = Fetch(self.relay.pools.of(self.way.provider), settings.response_limit_bytes)
        head = await fetch.head(request_head(self, query, 0), b"", settings.first_byte_timeout_s)
        return await read_json(self, fetch, head)

    def commit(self, status: int, headers: bytes) -> None:
        """The head of an answer that comes in parts."""
        self.committed = True
        self._status = status
        self.connection.start_stream(status, headers, b"")

    def end_stream(self) -> None:
        settle_call(self, Outcome.OK, self._status)
        self.connection.end_stream(b"")

    def end(self, status: int, headers: bytes, body: bytes) -> None:
        settle_call(self, Outcome.OK, status)
        self.connection.answer_any(status, headers, body)

    def _failed(self, error: TurnpikeError) -> None:
        if self._fetch is not None:
            self._fetch.abort()
        if self.connection.conversation is not self:
            return
        if self.committed:
            settle_call(self, Outcome.CUT, 200, error.code)
            self.connection.abort()
            return
        outcome = Outcome.REFUSED
        if self.sent and not isinstance(error, PolicyRefused):
            outcome = Outcome.UPSTREAM_ERROR if isinstance(error, UpstreamError) else Outcome.FAILED
        if isinstance(error, BudgetSpent):
            error.status = quota_status(self.dialect.name)
        settle_call(self, outcome, error.status, error.code, reason_of(error))
        self.relay.answer_error(self.connection, self.dialect, error, self.request_id, self.extra_headers)

    # ---- Conversation

    def client_gone(self) -> None:
        """The provider is stopped; what was made and not told is nobody's."""
        if self._fetch is not None:
            self._fetch.abort()
        settle_call(self, Outcome.CANCELLED, 499, "CLIENT_GONE")
        if self._task is not None:
            self._task.cancel()
        self._let_go()

    def client_stalled(self) -> None:
        if self._fetch is not None:
            self._fetch.pause()

    def client_ready(self) -> None:
        if self._fetch is not None:
            self._fetch.resume()


def _missing(reference: Reference) -> NotFound:
    kind = reference.kind.partition(".")[2]
    details = {"param": reference.field} if reference.field else {}
    return NotFound(f"No object of '{kind}' with the id '{reference.object_id[:100]}' was found.", details=details)
