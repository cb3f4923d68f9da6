"""Who is signed in: sessions looked up by access token or cookie, and remembered until anything about them changes.

What is remembered is dropped by the change log, which every control process reads four times a second; where it could
not be read within the last second, nothing remembered is believed.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from turnpike.contract.grants import KeyGrant, key_digest
from turnpike.contract.scopes import SCOPES, to_bits
from turnpike.control.db.changes import Versions
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import Session
from turnpike.control.db.sessions import Changes, ReadSession
from turnpike.control.domains.limits.tiers import DEFAULT as DEFAULT_TIER
from turnpike.control.grant_query import Rules, rules_of
from turnpike.control.infra.secrets import Sealer
from turnpike.control.keeper import Keeper
from turnpike.control.rights.roles import key_rights, rights_of, scopes_of
from turnpike.control.signin import store
from turnpike.control.signin.signing_keys import SigningKeys
from turnpike.control.signin.store import PersonRow
from turnpike.errors import Unavailable
from turnpike.kit.clock import now_ms
from turnpike.settings import Settings

KEPT = 20_000
BELIEVED_MS = 1_000
TOUCH_MS = 60_000
ALL_SCOPES = to_bits(SCOPES)
log = structlog.get_logger()


@dataclass(frozen=True)
class Present:
    """A session that is alive, and what its person may do now."""

    grant: KeyGrant
    """`key_id` is the session's id."""
    digest: bytes | None
    method: str
    last_seen_at_ms: int
    expires_at_ms: int


class Presence:
    def __init__(
        self, settings: Settings, database: Database, sealer: Sealer, keeper: Keeper, keys: SigningKeys
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._keeper = keeper
        self._keys = keys
        self._idle_ms = int(settings.session_idle_minutes * 60_000)
        self._touch_ms = min(TOUCH_MS, self._idle_ms // 4)
        self._kept: OrderedDict[str, Present] = OrderedDict()
        self._ids: dict[bytes, str] = {}
        self._generation = 0
        keeper.listen(self)
        database.on_change(self._changed_here)

    # ---- the change log

    @property
    def generation(self) -> int:
        """Another one after every change that was heard of."""
        return self._generation

    def snapshot_changed(self, packed: bytes) -> None:
        return None

    def grants_changed(self, key_ids: list[str] | None) -> None:
        self._generation += 1
        if key_ids is None:
            self._kept.clear()
            self._ids.clear()
            self._keys.forget()
            return
        for key_id in key_ids:
            self._drop(key_id)

    def _changed_here(self, _: Versions, changes: Changes) -> None:
        self.grants_changed(changes.key_ids)

    # ---- asking

    def cookie_digest(self, cookie: str) -> bytes:
        return key_digest(cookie.encode(), self._sealer.keyring.pepper)

    async def by_cookie(self, cookie: str) -> Present | None:
        """Raises Unavailable when the database cannot be reached."""
        digest = self.cookie_digest(cookie)
        return await self._find(self._ids.get(digest), digest)

    async def by_id(self, session_id: str) -> Present | None:
        """Raises Unavailable when the database cannot be reached."""
        return await self._find(session_id, None)

    async def peek(self, session_id: str) -> Present | None:
        """As `by_id`, but no use of the session in the eyes of its idle time: for what stays open by itself. Raises
        Unavailable."""
        return await self._find(session_id, None, touch=False)

    async def _find(self, session_id: str | None, digest: bytes | None, *, touch: bool = True) -> Present | None:
        kept = self._kept.get(session_id) if session_id is not None else None
        if kept is None or not self._holds(kept) or self._keeper.contact_at_ms < now_ms() - BELIEVED_MS:
            try:
                kept = await self._look_up(session_id, digest)
            except UNREACHABLE as error:
                raise Unavailable(
                    "The database cannot be reached, so this session cannot be checked.", retry_after_s=2.0
                ) from error
        return await self._touched(kept) if kept is not None and touch else kept

    def _holds(self, found: Present) -> bool:
        now = now_ms()
        return now < found.expires_at_ms and now - found.last_seen_at_ms < self._idle_ms

    async def _look_up(self, session_id: str | None, digest: bytes | None) -> Present | None:
        while True:
            generation = self._generation
            async with self._database.read() as session:
                found = await self._read(session, session_id, digest)
            if generation == self._generation:
                break
            # Something changed while the database was asked: the answer may be of before.
        if found is None:
            if session_id is not None:
                self._drop(session_id)
            return None
        self._keep(found)
        return found

    async def _read(self, session: ReadSession, session_id: str | None, digest: bytes | None) -> Present | None:
        condition = Session.digest == digest if digest is not None else Session.id == session_id
        row = await store.session_with(session, condition)
        if row is None or row.ended_at_ms is not None:
            return None
        rows = await store.person(session, row.user_id)
        if not rows or not rows[0].is_active:
            return None
        rules = await rules_of(session, [], rows)
        grant = self.grant_of(rows, rules, row.id, f"session ({row.method})", ALL_SCOPES, row.expires_at_ms)
        found = Present(grant, row.digest, row.method, row.last_seen_at_ms, row.expires_at_ms)
        return found if self._holds(found) else None

    def grant_of(  # noqa: PLR0917 - a grant's parts
        self, rows: Sequence[PersonRow], rules: Rules, key_id: str, name: str, scopes: int, expires_at_ms: int
    ) -> KeyGrant:
        """What a person may do now, as if it were a key's grant; `scopes` as far as the role has them, and with all
        of them all that the person may."""
        person = rows[0]
        rights = rights_of(person.role, person.role_permissions)
        held = scopes & scopes_of(rights)
        return KeyGrant(
            key_id=key_id,
            key_name=name,
            user_id=person.user_id,
            department_id=person.department_id,
            role=person.role,
            scopes=held,
            tier=person.default_tier or DEFAULT_TIER,
            models=(),
            networks=(),
            expires_at_ms=expires_at_ms,
            personal=tuple(self._keeper.grants.personal(row, rules) for row in rows if row.provider_id is not None),
            limits=rules.limits_of(key_id, person.user_id),
            budgets=rules.budgets_of(key_id, person.user_id),
            department_models=tuple(person.department_models or ()),
            rights=(rights if scopes == ALL_SCOPES else key_rights(rights, held, None)).bits(),
        )

    # ---- memory

    def _keep(self, found: Present) -> None:
        self._kept[found.grant.key_id] = found
        if found.digest is not None:
            self._ids[found.digest] = found.grant.key_id
        if len(self._kept) > KEPT:
            self._drop(next(iter(self._kept)))

    def _drop(self, session_id: str) -> None:
        found = self._kept.pop(session_id, None)
        if found is not None and found.digest is not None:
            self._ids.pop(found.digest, None)

    async def _touched(self, found: Present) -> Present:
        """Writes now and then that the session is in use: a missed write costs some of its idle time, nothing else."""
        now = now_ms()
        if now - found.last_seen_at_ms < self._touch_ms:
            return found
        try:
            async with self._database.write() as session:
                await store.touch(session, found.grant.key_id, now)
        except UNREACHABLE as error:
            log.info("session_not_touched", error_type=type(error).__name__)
            return found
        touched = replace(found, last_seen_at_ms=now)
        if found.grant.key_id in self._kept:
            self._kept[found.grant.key_id] = touched
        return touched
