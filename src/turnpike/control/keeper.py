"""Keeps the truth that relays work from: compiles the snapshot when something changed, says whose grants to forget,
and writes both down for a start without the database.

It asks the database for its version four times a second, and at once after a change made by this process; so what any
control process commits is heard by all, in the order of the commits.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from turnpike.contract.health import DEGRADED_PREFIX
from turnpike.contract.messages import PushSnapshot, pack
from turnpike.contract.snapshot import MaintenanceSpec, Snapshot
from turnpike.control.background import woken
from turnpike.control.db.changes import Versions, changed_keys, read_versions
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.sessions import Changes, ReadSession
from turnpike.control.grants import Grants
from turnpike.control.health import OK
from turnpike.control.infra.secrets import Sealer
from turnpike.control.last_good import FORMAT, LastGood, load, save
from turnpike.control.outbound import Outbound
from turnpike.control.tokens.dressing import Dresser
from turnpike.control.tokens.minter import Minter
from turnpike.errors import TurnpikeError, Unavailable
from turnpike.kit.clock import from_ms, now_ms, rfc3339
from turnpike.settings import Settings

POLL_S = 0.25
STOP_S = 2.0
FIRST_TRY_S = 2.0
"""How long a start waits for the database before it goes on from disk."""
FIRST_SNAPSHOT_S = 20.0
"""How long where there is nothing on disk."""
WRITE_AT_MOST_EVERY_MS = 1_000
CompileSnapshot = Callable[[ReadSession, int], Awaitable[Snapshot]]

log = structlog.get_logger()


class Listener(Protocol):
    """Whoever tells relays. Neither method may block or raise."""

    def snapshot_changed(self, packed: bytes) -> None: ...

    def grants_changed(self, key_ids: list[str] | None) -> None: ...


class Keeper:
    def __init__(
        self,
        settings: Settings,
        database: Database,
        sealer: Sealer,
        compile_snapshot: CompileSnapshot,
        tokens: Minter | None = None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._sealer = sealer
        self._compile = compile_snapshot
        self._tokens = tokens or Minter(Outbound(settings))
        self._tokens.on_change(self._token_changed)
        self._dresser = Dresser(self._tokens)
        self.grants = Grants(database, sealer, self.offline_until_ms, self._dresser.dress_grant)
        self.snapshot: Snapshot | None = None
        self.in_force: Snapshot | None = None
        """The same as relays have it: with the tokens that credentials were changed into, or why they were not."""
        self.packed = b""
        """The snapshot as the message that relays get."""
        self.version = 0
        self.before_first_contact: Callable[[], Awaitable[None]] | None = None
        """Run once before the database is first used, e.g. its migration when it was away at the start."""
        self._contact_at_ms = 0
        self._down_since_ms: int | None = None
        self._fault: str | None = None
        self._committed_version = 0
        self._written_at_ms = 0
        self._written_version = -1
        self._listeners: list[Listener] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.when_dead: Callable[[], None] | None = None
        """Called when the loop ended by a fault of ours: nothing would be heard of any more."""
        database.on_change(self._changed_here)

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    @property
    def known_snapshot_version(self) -> int:
        """The newest that this process has heard of; what it commits itself counts at once, before it is compiled."""
        return max(self.snapshot.version if self.snapshot else 0, self._committed_version)

    @property
    def maintenance(self) -> MaintenanceSpec | None:
        return self.snapshot.maintenance if self.snapshot is not None else None

    @property
    def contact_at_ms(self) -> int:
        """When the database was last heard of: everything committed before then has been taken up."""
        return self._contact_at_ms

    def offline_until_ms(self) -> int:
        """Until when grants in memory may be served if the database does not answer."""
        return self._contact_at_ms + int(self._settings.offline_grant_s * 1000)

    # ---- life

    def restore(self) -> bool:
        """Takes up what was written down. True when there was something."""
        state, problem = load(self._settings.last_good_file, self._sealer)
        if problem:
            log.warning("last_good_state_unusable", reason=problem)
        if state is None:
            return False
        self.version, self._contact_at_ms = state.version, state.contact_at_ms
        self.grants.restore(state.grants)
        self._take(state.snapshot)
        return True

    async def start(self) -> None:
        """Raises Unavailable when the database cannot be reached and nothing was restored."""
        try:
            async with asyncio.timeout(FIRST_TRY_S if self.snapshot is not None else FIRST_SNAPSHOT_S):
                await self._follow()
        except UNREACHABLE as error:
            self._lost(error)
            if self.snapshot is None:
                raise Unavailable("The database cannot be reached, and there is no last good state on disk.") from error
        self._task = asyncio.create_task(self._run(), name="keeper")
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        if self._task is not None:
            self._stopping = True
            self._wake.set()
            # It ends by itself at the next turn. A cancellation may be lost in a driver's own clean-up: ask again then.
            await asyncio.wait({self._task}, timeout=STOP_S)
            while not self._task.done():
                self._task.cancel()
                await asyncio.wait({self._task}, timeout=POLL_S)
        await self._tokens.stop()
        await self._write_down(force=True)

    async def refresh(self) -> None:
        """Takes up what is committed now, without waiting for the next poll."""
        await self._follow()

    async def _run(self) -> None:
        while not self._stopping:
            await woken(self._wake, POLL_S)
            try:
                await self._follow()
                await self._write_down()
            except UNREACHABLE as error:
                self._lost(error)
                await self._write_down()
            except TurnpikeError as error:
                # What was compiled last stays in force; the fault is shown in /health and in the log.
                if self._fault != error.message:
                    log.exception("snapshot_not_compiled")
                self._fault = error.message

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._stopping or task.cancelled():
            return
        log.critical("keeper_died", exc_info=task.exception())
        if self.when_dead is not None:
            self.when_dead()

    # ---- following the database

    def _changed_here(self, versions: Versions, changes: Changes) -> None:
        self.grants.forget(changes.key_ids)
        self._committed_version = max(self._committed_version, versions.snapshot_version)
        self._wake.set()

    async def _follow(self) -> None:
        if self.before_first_contact is not None:
            await self.before_first_contact()
            self.before_first_contact = None
        async with self._database.read() as session:
            versions = await read_versions(session)
            if versions.version != self.version:
                key_ids = None
                if 0 < self.version < versions.version:
                    key_ids = await changed_keys(session, self.version, versions.version)
                self._announce_grants(key_ids)
            if self.snapshot is None or self.snapshot.version != versions.snapshot_version:
                self._take(await self._compile(session, versions.snapshot_version))
        self.version = versions.version
        self._contact_at_ms = now_ms()
        self._fault = None
        if self._down_since_ms is not None:
            log.info("database_is_back", down_s=(now_ms() - self._down_since_ms) / 1000)
            self._down_since_ms = None

    def _announce_grants(self, key_ids: list[str] | None) -> None:
        if key_ids == []:
            return
        self.grants.forget(key_ids)
        for listener in self._listeners:
            listener.grants_changed(key_ids)

    def _take(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._dresser.follow(snapshot)
        self._push(snapshot)

    def _push(self, snapshot: Snapshot) -> None:
        self.in_force = self._dresser.dress(snapshot)
        self.packed = pack(PushSnapshot(self.in_force))
        for listener in self._listeners:
            listener.snapshot_changed(self.packed)

    def _token_changed(self, credential_id: str) -> None:
        """A person's token is in their keys' grants, a shared one in the snapshot."""
        if not self._dresser.is_personal(credential_id):
            if self.snapshot is not None:
                self._push(self.snapshot)
            return
        key_ids = self.grants.keys_with(credential_id)
        if key_ids:
            self._announce_grants(key_ids)
        elif not self.grants.asking:
            self._dresser.forget_personal(credential_id)

    def _lost(self, error: BaseException) -> None:
        if self._down_since_ms is None:
            self._down_since_ms = now_ms()
            log.error("database_unreachable", error_type=type(error).__name__, serving=self.snapshot is not None)

    # ---- writing down

    async def _write_down(self, *, force: bool = False) -> None:
        """When something changed, and now and then so that the time of the last contact is not too far back. Without a
        database too: grants that were used just before it went away are wanted after a restart."""
        if self.snapshot is None:
            return
        age_ms = now_ms() - self._written_at_ms
        if age_ms < WRITE_AT_MOST_EVERY_MS and not force:
            return
        changed = self.version != self._written_version or self.grants.touched
        has_contact = self._down_since_ms is None
        if not (changed or force or (has_contact and age_ms >= self._settings.offline_grant_s * 100)):
            return
        state = LastGood(FORMAT, self.snapshot, self.version, self._contact_at_ms, self.grants.kept())
        self.grants.touched = False
        try:
            await asyncio.to_thread(save, self._settings.last_good_file, self._sealer, state)
        except OSError as error:
            log.warning("last_good_state_not_written", reason=error.strerror)
        self._written_at_ms, self._written_version = now_ms(), state.version

    def write_down_soon(self) -> None:
        """Write again even if nothing changed: the key that seals it did."""
        self._written_version = -1
        self._wake.set()

    # ---- health

    def database_check(self) -> str:
        if self._down_since_ms is None:
            return OK
        return f"cannot be reached since {rfc3339(from_ms(self._down_since_ms))}"

    def snapshot_check(self) -> str:
        if self._fault is not None:
            return f"not renewed: {self._fault}"
        if self._down_since_ms is None:
            return OK
        return f"last confirmed at {rfc3339(from_ms(self._contact_at_ms))}"

    def maintenance_check(self) -> str:
        return OK if self.maintenance is None else f"{DEGRADED_PREFIX}{self.maintenance.message}"
