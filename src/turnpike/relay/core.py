"""What all requests of a relay share, and the switch from a request to what serves it."""

import time
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from turnpike.contract.metrics import Sample
from turnpike.contract.relay_settings import RelaySettings
from turnpike.contract.snapshot import MaintenanceSpec, Snapshot
from turnpike.errors import Forbidden, MethodNotAllowed, NotFound, TurnpikeError, Unauthenticated, Unavailable
from turnpike.kit.clock import now_ms, rfc3339, utc_now
from turnpike.kit.ids import IdSource
from turnpike.kit.logs import Log
from turnpike.relay.backend import Backends
from turnpike.relay.caching.cache import AnswerCache
from turnpike.relay.call import Call
from turnpike.relay.caller_end import CallerEnd
from turnpike.relay.catalog import Catalog
from turnpike.relay.connect import Connector
from turnpike.relay.edge import Edge
from turnpike.relay.endpoints import Kind
from turnpike.relay.forward import Forwarder
from turnpike.relay.gates import caching
from turnpike.relay.guards.names import NamesLine
from turnpike.relay.head import RequestHead
from turnpike.relay.health import answer_health
from turnpike.relay.journal import Journal
from turnpike.relay.keys import Keys, missing_key
from turnpike.relay.limits import Desk
from turnpike.relay.load.keeper import LoadKeeper
from turnpike.relay.media_call import MediaCall
from turnpike.relay.metrics import Metrics
from turnpike.relay.models import answer_models
from turnpike.relay.money.desk import Money
from turnpike.relay.outbox import Outbox
from turnpike.relay.passage.call import PassageCall
from turnpike.relay.passage.owners import Owners
from turnpike.relay.passage.prefix import take_slug
from turnpike.relay.pools import Pools, Tick
from turnpike.relay.profiles import Profiles
from turnpike.relay.protocol import ClientConnection
from turnpike.relay.routing.mirror import Mirrors
from turnpike.relay.strangers import Strangers
from turnpike.relay.uploads import Form, Uploads
from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects import DIALECTS

if TYPE_CHECKING:
    from turnpike.relay.guards.store import Guards
    from turnpike.relay.link import Link
    from turnpike.relay.realtime.session import Session
    from turnpike.relay.realtime.upgrade import Upgrade

_SECRETS_REFUSED = (
    "This is refused here: what it gives out would let its holder reach the provider without this gateway. Open a"
    " session at /v1/realtime over WebSocket with your own key."
)
_ACTIVE_S = 300.0
"""How long after a request a user counts as active."""


class Relay:
    """One relay process. Built once; every connection and call holds it."""

    link: "Link"
    """Set when the relay is put together: it and the relay need each other."""

    def __init__(self, settings: RelaySettings, incarnation: bytes, log: Log) -> None:
        """Raises OSError when the journal or a certificate file cannot be opened."""
        self.settings = settings
        self.log = log
        self.now = time.monotonic
        self.tick = Tick(self.now())
        self.ids = IdSource()
        self.metrics = Metrics()
        self.connections: set[ClientConnection] = set()
        self.sessions: set[Session | Upgrade] = set()
        """Realtime sessions, open or being opened."""
        self.draining = False
        self.outbox = Outbox()
        self.pools = Pools(
            Connector(
                timeout_s=settings.connect_timeout_s,
                own_ports=settings.own_ports,
                ca_file=settings.upstream_ca,
                proxy=settings.upstream_proxy,
                no_proxy=settings.no_proxy,
            ),
            tick=self.tick,
            outbox=self.outbox,
            limit=settings.upstream_connections,
            read_timeout_s=settings.read_timeout_s,
            idle_s=settings.upstream_idle_s,
        )
        self.journal = Journal(
            Path(settings.journal_dir),
            incarnation,
            segment_bytes=settings.journal_segment_bytes,
            flush_s=settings.journal_flush_s,
            on_full=settings.journal_full,
            log=log,
        )
        self.answers = AnswerCache(settings.cache_bytes, settings.cache_wait_s, self.now)
        self.limits = Desk(self.now)
        self.backends = Backends()
        self.load = LoadKeeper(self.backends, self.now())
        self.profiles = Profiles(self._compile(Snapshot(contract=0, version=0, made_at_ms=0, key_pepper=b"")))
        self.keys = Keys(
            self.profiles, size=settings.key_cache_size, negative_s=settings.negative_cache_s, ask=self._ask_control
        )
        self.forwarder = Forwarder(self)
        self.uploads = Uploads(self)
        self.guards: Guards | None = None
        """Made when a snapshot first has policies: until then nobody pays for what it imports."""
        self.names = NamesLine(self)
        self.closed: MaintenanceSpec | None = None
        """Set in maintenance: only administrators make new calls."""
        self.owners = Owners()
        self.edge = Edge(settings)
        self.strangers = Strangers(self.journal, self.ids)
        self.edge.turned_away = self.strangers.turned_away
        self.money = Money(self)
        self.mirrors = Mirrors()
        self.caching_gate = caching.build
        self.wall_offset_ms = 0.0
        """Wall clock minus monotonic clock; moved by the sweep."""
        self.date_line = b""
        self.move_clocks()

    @property
    def in_flight(self) -> int:
        """Requests being answered."""
        return (
            sum(connection.conversation is not None for connection in self.connections)
            + len(self.sessions)
            + len(self.mirrors)
        )

    # ---- snapshot and keys

    @property
    def catalog(self) -> Catalog:
        return self.profiles.catalog

    def apply(self, snapshot: Snapshot) -> None:
        """Puts a snapshot in force. Plans in use stay valid until their calls end."""
        self.limits.follow(snapshot)
        self.profiles.replace(self._compile(snapshot))
        if self.edge.apply(snapshot.networks):
            for connection in self.connections:
                connection.forget_head()
        self.closed = snapshot.maintenance
        self.load.configure(snapshot.policies)
        self.keys.pepper = snapshot.key_pepper
        self.answers.apply(snapshot.caching)
        self.money.follow(snapshot.budgets)
        if any(guard.kind == "names" for policy in snapshot.guard_policies for guard in policy.guards):
            self.names.wake()
        self.log.info("snapshot in force", version=snapshot.version, models=len(snapshot.models))

    def _compile(self, snapshot: Snapshot) -> Catalog:
        return Catalog(snapshot, self.backends, self.pools, self.metrics)

    def _ask_control(self, digest: bytes) -> None:
        self.link.resolve(digest)

    # ---- time

    def move_clocks(self) -> None:
        """Called by the sweep ten times a second: coarse time, wall clock, Date header."""
        now = self.now()
        self.tick.now = now
        self.wall_offset_ms = now_ms() - now * 1000
        self.date_line = b"date: " + formatdate(usegmt=True).encode() + b"\r\n" + self.edge.standing

    # ---- requests

    def early_refusal(self, connection: ClientConnection, head: RequestHead) -> TurnpikeError | None:
        """What can be said before the body is there: a model call without a key is not worth 32 MB."""
        refused = self.edge.look(connection, head)
        if refused is not None:
            return refused
        if head.token is None and head.route.kind in (Kind.CALL, Kind.MODELS, Kind.PASSAGE):
            return missing_key()
        return None

    def serve(self, connection: ClientConnection, head: RequestHead, body: bytes | Form) -> None:
        """Serves one request; every way through here ends in exactly one answer. Only a route that takes forms is
        given one."""
        if head.is_call and head.fault is None:
            assert isinstance(body, bytes)
            call = Call(self, connection, head, body)
            try:
                call.start()
            except Exception as error:  # noqa: BLE001 - the last line of defence: a bug must not cost its caller the answer
                call.fault(error)
        elif head.fault is not None:
            self.refuse(connection, head, head.fault)
        elif head.route.media is not None:
            call = MediaCall(self, connection, head, body)
            try:
                call.start()
            except Exception as error:  # noqa: BLE001 - the last line of defence, as above
                call.fault(error)
        else:
            self._serve_other(connection, head, body)

    def _serve_other(self, connection: ClientConnection, head: RequestHead, body: bytes | Form) -> None:
        route = head.route
        match route.kind:
            case Kind.PASSAGE:
                PassageCall(self, connection, head, body).start()
            case Kind.FORWARD if take_slug(self.catalog, head):
                self.serve(connection, head, body)
            case Kind.FORWARD:
                refusal = self.check_stranger(connection, head)
                if refusal is not None:
                    self.refuse(connection, head, refusal)
                else:
                    self.forwarder.forward(connection, head, cast("bytes", body))
            case Kind.MODELS:
                answer_models(self, connection, head)
            case Kind.HEALTH:
                answer_health(self, connection)
            case Kind.RELAY_METRICS:
                answer_own_metrics(self, connection)
            case Kind.REALTIME:
                from turnpike.relay.realtime.upgrade import Upgrade  # noqa: PLC0415 - 40 ms of every start, rarely used

                Upgrade(self, connection, head).start()
            case Kind.REFUSED:
                self.refuse(connection, head, Forbidden(_SECRETS_REFUSED))
            case Kind.PREFLIGHT:
                self.metrics.count_other("OPTIONS", route.label, 204, 0.0)
                connection.answer_bodiless(204, b"")
            case Kind.WRONG_METHOD:
                method = head.method.decode("latin-1")
                error = MethodNotAllowed(f"{route.label} takes {route.allow}, not {method}.")
                self.refuse(connection, head, error, f"allow: {route.allow}\r\n".encode())
            case _:
                path = head.path.decode("latin-1")[:200]
                self.refuse(connection, head, NotFound(f"There is no {path} here."))

    def check_stranger(self, connection: CallerEnd, head: RequestHead) -> TurnpikeError | None:
        """What a caller is refused with who is not known yet, before anybody is asked about it: its address has made
        its requests."""
        if not self.limits.book.has_addresses:
            return None
        address = self.client_address(connection, head)
        refusal = self.limits.check_stranger(address)
        if refusal is not None:
            self.strangers.turned_away(address, refusal.code)
        return refusal

    # ---- answers

    def refuse(self, connection: CallerEnd, head: RequestHead | None, error: TurnpikeError, extra: bytes = b"") -> None:
        """Answers a request that no one serves, in the form of the API that its path belongs to."""
        connection.head = head
        request_id = (head.request_id if head is not None else None) or self.ids.next_bytes().hex()
        dialect = head.route.dialect if head is not None else None
        label = head.route.label if head is not None else "unreadable"
        method = head.method.decode("latin-1") if head is not None else "-"
        if head is not None and head.route.kind is Kind.UNKNOWN and head.header(b"anthropic-version"):
            dialect = DIALECTS["anthropic_messages"]
        elif head is not None and head.route.kind is Kind.UNKNOWN and head.header(b"x-goog-api-key"):
            dialect = DIALECTS["gemini"]
        self.metrics.count_other(method, label, error.status, 0.0)
        self.answer_error(connection, dialect, error, request_id, extra)

    def answer_error(
        self,
        connection: CallerEnd,
        dialect: Dialect | None,
        error: TurnpikeError,
        request_id: str,
        extra: bytes = b"",
    ) -> None:
        """`dialect` None: the platform's envelope."""
        if isinstance(error, Unauthenticated):
            address = self.edge.client_address(connection, connection.head)
            if self.limits.book.has_addresses and connection.head is not None:
                self.limits.count_stranger(address)
                error = self.limits.check_stranger(address) or error
            self.strangers.turned_away(address, error.code)
        body = dialect.write_error(error, request_id) if dialect is not None else envelope(error, request_id)
        if error.retry_after_s is not None:
            extra += b"retry-after: %d\r\n" % max(1, round(error.retry_after_s))
        if isinstance(error, Unauthenticated):
            extra += b'www-authenticate: Bearer realm="turnpike"\r\n'
        headers = f"x-request-id: {request_id}\r\nx-turnpike-error: {error.code}\r\n".encode()
        connection.answer(error.status, headers + extra, body)

    def unavailable(self, what: str) -> Unavailable:
        return Unavailable(f"{what} does not answer at the moment. Try again.", retry_after_s=2)

    def client_address(self, connection: CallerEnd, head: RequestHead) -> str:
        """The caller's address (turnpike.relay.edge)."""
        return self.edge.client_address(connection, head)

    # ---- time passes

    def sweep(self) -> None:
        """Ends what takes too long. Called ten times a second; costs a comparison a connection."""
        self.move_clocks()
        self.load.sweep(self.tick.now)
        self.pools.sweep()
        self.forwarder.sweep()
        now = self.tick.now
        for connection in list(self.connections):
            connection.sweep(now)
        for session in list(self.sessions):
            session.sweep(now)
        self.limits.sweep(now)
        self.money.sweep(now)
        self.strangers.sweep(now)
        self.journal.prepare()
        if self.journal.fault is not None:
            self.journal.write_waiting()

    def samples(self) -> tuple[Sample, ...]:
        """All metrics of this relay."""
        busy, idle = self.pools.counts()
        gauges = [
            Sample("turnpike_requests_in_flight", (), self.in_flight),
            Sample("gateway_active_users", (), self.keys.active_users(self.now() - _ACTIVE_S)),
            Sample("turnpike_client_connections", (), len(self.connections)),
            Sample("turnpike_upstream_connections", ("busy",), busy),
            Sample("turnpike_upstream_connections", ("idle",), idle),
            Sample("turnpike_key_cache_entries", (), len(self.keys)),
            Sample("turnpike_snapshot_version", (), self.catalog.snapshot.version),
        ]
        gauges += self.load.samples(self.now())
        return (*self.metrics.samples(), *gauges, *self.answers.samples(), *self.limits.samples())


def envelope(error: TurnpikeError, request_id: str) -> bytes:
    """The platform's error form (ARCHITECTURE.md, Surfaces)."""
    said = {
        "code": error.code,
        "message": error.message,
        "details": error.details,
        "request_id": request_id,
        "timestamp": rfc3339(utc_now()),
    }
    meta = {"request_id": request_id}
    return msgspec.json.encode({"success": False, "data": None, "message": error.message, "error": said, "meta": meta})


def answer_own_metrics(relay: Relay, connection: ClientConnection) -> None:
    """This relay's own samples as JSON, for when control cannot be asked for /metrics."""
    samples = [msgspec.structs.asdict(sample) for sample in relay.samples()]
    connection.answer(200, b"", msgspec.json.encode({"relay": relay.settings.relay, "samples": samples}))
