"""What may be done with API keys, and by whom.

A key is `tp-` and 43 random characters; its keyed digest is stored, the key never. Rotation makes a successor with the
same rights and gives the old key an end: by hand the successor is in the answer; by policy (rotation.py) it waits,
encrypted, until its owner fetches it, and only then does the old key's grace period begin.
"""

from typing import Any

from turnpike.contract.grants import KEY_PREFIX, key_digest
from turnpike.contract.scopes import SCOPE_BIT
from turnpike.control.audit.entries import Draft
from turnpike.control.db.models import ApiKey, KeyNotice, User
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.catalog import service as catalog
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.keys import repository
from turnpike.control.domains.keys.limits import check_denied, check_models, check_networks, check_role, check_scopes
from turnpike.control.domains.keys.repository import KeyFilter, ShownKey
from turnpike.control.domains.keys.schemas import status_of
from turnpike.control.domains.limits import service as limits
from turnpike.control.domains.roles import service as roles
from turnpike.control.events.kinds import KeyCreated, KeyExpiring, KeyRevoked, KeyRotated
from turnpike.control.events.outbox import emit, time_or_none
from turnpike.control.infra.secrets import Sealer
from turnpike.control.rights.permissions import Permission
from turnpike.control.rights.policy import AllData, Scope, Target, everything
from turnpike.control.rights.roles import scopes_of
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, Forbidden, InvalidRequest, NotFound, ScopeMissing
from turnpike.kit.clock import now_ms
from turnpike.kit.crypto import random_text
from turnpike.kit.pagination import Page, parse_sort
from turnpike.settings import Settings

SHOWN_PREFIX = 10
DAY_MS = 24 * 3600 * 1000
HOUR_MS = 3600 * 1000
_GRANTED_BY = frozenset((
    "name", "scopes", "models", "networks", "denied_networks", "default_provider_id", "tier", "role", "expires_at_ms",
))  # fmt: skip


class KeyService:
    """Stateless but for what it was given; sessions come with each call."""

    def __init__(self, settings: Settings, sealer: Sealer) -> None:
        self._settings = settings
        self._sealer = sealer

    # ---- reading

    async def find(
        self, session: ReadSession, scope: Scope, wanted: KeyFilter, sort: str | None, page: Page
    ) -> tuple[list[ShownKey], int]:
        return await repository.keys(session, scope, wanted, parse_sort(sort, repository.ORDER, "-created_at"), page)

    async def get(self, session: ReadSession, scope: Scope, key_id: str) -> ShownKey:
        """Raises NotFound, for what lies outside of the scope too."""
        shown = await repository.key(session, scope, key_id)
        if shown is None:
            raise NotFound(f"There is no key {key_id}.")
        return shown

    # ---- making

    async def create(self, session: WriteSession, actor: Principal, values: dict[str, Any]) -> tuple[ShownKey, str]:
        """Returns the row and the key itself. Raises Forbidden, ScopeMissing, InvalidRequest or NotFound."""
        owner = await self._owner(session, actor, values.pop("user_id", None))
        values = await self._checked(session, actor, owner, values)
        if values.get("tier") is None:
            values["tier"] = await identity.default_tier(session, owner)
        if "expires_at_ms" not in values:
            values["expires_at_ms"] = self._default_end()
        key, row = self._make(user_id=owner.id, created_by=actor.user_id, **values)
        session.add(row)
        await session.flush()
        _tell_created(session, row, owner.department_id)
        return await self.get(session, actor.scope, row.id), key

    async def _owner(self, session: ReadSession, actor: Principal, user_id: str | None) -> User:
        if user_id is None:
            user_id = actor.user_id or (await identity.operators_user(session)).id
        owner = await identity.get_user(session, actor.scope, user_id)
        await identity.check_rank_of(session, actor, owner.role, "Handling this person's keys")
        if not owner.is_active:
            raise Conflict("This user is not active; a key of theirs would not work.")
        return owner

    async def _checked(
        self, session: ReadSession, actor: Principal, owner: User, values: dict[str, Any], row: ApiKey | None = None
    ) -> dict[str, Any]:
        """Column values, none of which grants more than owner and actor have."""
        rights = await roles.rights_held(session, owner.role)
        if "scopes" in values:
            check_scopes(actor, rights, owner.role, values["scopes"])
        role = values.get("role", row.role if row else None)
        if role is not None and ("role" in values or "scopes" in values):
            scopes = values.get("scopes", row.scopes if row else ())
            check_role(actor, rights, owner.role, await roles.rights_named(session, role), scopes)
        if "models" in values:
            check_models(actor, values["models"])
        if "networks" in values:
            check_networks(actor, values["networks"])
        if "denied_networks" in values:
            check_denied(actor, values["denied_networks"])
        if values.get("tier") is not None:
            await limits.check_tier(session, values["tier"])
            if values["tier"] != (row.tier if row else await identity.default_tier(session, owner)):
                _check_tier(actor, owner, values["tier"])
        if "default_provider" in values:
            slug = values.pop("default_provider")
            values["default_provider_id"] = None if slug is None else await catalog.provider_id_of(session, slug)
        end = values.get("expires_at_ms")
        if end is not None and end <= now_ms():
            raise InvalidRequest("expires_at lies in the past.", details={"param": "expires_at"})
        if "expires_at_ms" in values:
            self._check_life(actor, end)
        return values

    def _check_life(self, actor: Principal, end: int | None) -> None:
        """Raises Forbidden for a life beyond the setting's, unless somebody gives it who manages all keys."""
        longest = self._default_end()
        if longest is None or isinstance(actor.reaching(Permission.MANAGE_KEYS), AllData):
            return
        if end is None or end > longest:
            days = self._settings.api_key_lifetime_days
            raise Forbidden(f"Keys live {days} days at most here.", details={"param": "expires_at"})

    def _default_end(self) -> int | None:
        days = self._settings.api_key_lifetime_days
        return now_ms() + days * DAY_MS if days else None

    def _make(self, **values: Any) -> tuple[str, ApiKey]:
        key = KEY_PREFIX + random_text(256)
        digest = key_digest(key.encode(), self._sealer.keyring.pepper)
        return key, ApiKey(prefix=key[:SHOWN_PREFIX], digest=digest, **values)

    # ---- changing

    async def change(self, session: WriteSession, actor: Principal, key_id: str, values: dict[str, Any]) -> ShownKey:
        """Raises NotFound, Forbidden, ScopeMissing, InvalidRequest or Conflict."""
        row = await self._for_change(session, actor, key_id)
        if row.revoked_at_ms is not None:
            raise Conflict("This key is revoked, which is for ever; make a new one.")
        owner = await identity.get_user(session, actor.scope, row.user_id)
        was_alive = status_of(row) in {"active", "rotated"}
        values = await self._checked(session, actor, owner, values, row)
        changed = {name for name, value in values.items() if getattr(row, name) != value}
        for name in changed:
            setattr(row, name, values[name])
        await session.flush()
        if changed & _GRANTED_BY:
            session.changes.keys([row.id])
            if not was_alive:
                session.changes.all_keys()  # relays remember for a while that it was unknown
        return await self.get(session, actor.scope, row.id)

    async def revoke(self, session: WriteSession, actor: Principal, key_id: str) -> ShownKey:
        """At work on every relay within a second, for ever. Raises NotFound or Forbidden."""
        row = await self._for_change(session, actor, key_id)
        if row.revoked_at_ms is None:
            row.revoked_at_ms = now_ms()
            row.sealed_key = None
            await session.flush()
            session.changes.keys([row.id])
            told = KeyRevoked(key_id=row.id, name=row.name, user_id=row.user_id, revoked_by=actor.user_id)
            emit(session, told, department_id=await _department(session, row), user_id=row.user_id)
        return await self.get(session, actor.scope, row.id)

    async def _for_change(self, session: WriteSession, actor: Principal, key_id: str) -> ApiKey:
        row = await repository.locked(session, actor.scope, key_id)
        if row is None:
            raise NotFound(f"There is no key {key_id}.")
        owner = await identity.get_user(session, actor.scope, row.user_id)
        if row.id != actor.key_id:
            await identity.check_rank_of(session, actor, owner.role, "Handling this person's keys")
        return row

    # ---- rotating

    async def rotate(
        self, session: WriteSession, actor: Principal, key_id: str, grace_hours: float | None
    ) -> tuple[ShownKey, str]:
        """Returns the successor's row and the key itself. Raises NotFound, Forbidden, ScopeMissing or Conflict."""
        row = await self._for_change(session, actor, key_id)
        if row.id != actor.key_id:
            await self._check_visible(session, actor, row)
        if row.successor_id is not None:
            raise Conflict("This key has been rotated already.", details={"successor_id": row.successor_id})
        if status_of(row) != "active":
            raise Conflict(f"This key is {status_of(row)}; make a new one.")
        key, successor = self._successor(row, actor.user_id)
        session.add(successor)
        await session.flush()
        row.rotated_at_ms, row.successor_id = now_ms(), successor.id
        self._end_after_grace(row, grace_hours)
        await session.flush()
        session.changes.keys([row.id])
        _tell_rotated(session, row, successor.id, await _department(session, row))
        return await self.get(session, actor.scope, successor.id), key

    async def _check_visible(self, session: ReadSession, actor: Principal, row: ApiKey) -> None:
        """Whoever gets to see a successor must not gain by it."""
        owner = await identity.get_user(session, actor.scope, row.user_id)
        rights = await roles.rights_held(session, owner.role)
        check_scopes(actor, rights, owner.role, [name for name in row.scopes if scopes_of(rights) & SCOPE_BIT[name]])
        role = None if row.role is None else await roles.find_rights(session, row.role)
        if role is not None and not actor.rights.covers(role & rights):
            raise ScopeMissing("This key's role may do what you may not.", details={"param": "role"})
        check_models(actor, row.models)
        check_networks(actor, row.networks)
        check_denied(actor, row.denied_networks or ())

    def _successor(self, row: ApiKey, created_by: str | None) -> tuple[str, ApiKey]:
        end = None if row.expires_at_ms is None else now_ms() + (row.expires_at_ms - row.created_at_ms)
        return self._make(
            user_id=row.user_id,
            created_by=created_by,
            name=row.name,
            scopes=row.scopes,
            models=row.models,
            networks=row.networks,
            denied_networks=row.denied_networks,
            default_provider_id=row.default_provider_id,
            tier=row.tier,
            role=row.role,
            expires_at_ms=end,
        )

    def _end_after_grace(self, row: ApiKey, grace_hours: float | None) -> None:
        hours = self._settings.api_key_rotation_grace_hours if grace_hours is None else grace_hours
        end = now_ms() + int(hours * HOUR_MS)
        row.expires_at_ms = end if row.expires_at_ms is None else min(row.expires_at_ms, end)

    async def rotate_due(self, session: WriteSession, limit: int) -> int:
        """By policy: makes successors for keys past their age and keeps them, encrypted, for their owners. The old
        keys go on until then. Returns how many were made."""
        days = self._settings.api_key_rotation_days
        if not days:
            return 0
        now = now_ms()
        grace_ms = self._settings.api_key_rotation_grace_hours * HOUR_MS
        rows = await repository.due_for_rotation(session, now - days * DAY_MS, now + grace_ms, limit)
        for row in rows:
            key, successor = self._successor(row, None)
            successor.sealed_key = self._sealer.seal(key)
            session.add(successor)
            await session.flush()
            row.rotated_at_ms, row.successor_id = now, successor.id
            _tell_rotated(session, row, successor.id, await _department(session, row))
            session.audit.append(
                Draft("key.rotate", now, object_kind="key", object_id=row.id, changes=[{"successor_id": successor.id}])
            )
        await session.flush()
        return len(rows)

    async def claim(self, session: WriteSession, actor: Principal, key_id: str) -> tuple[ShownKey, str]:
        """Hands over the successor that was made by policy, once; the old key's grace period begins. Raises NotFound,
        Forbidden, ScopeMissing or Conflict."""
        row = await self._for_change(session, actor, key_id)
        if row.id != actor.key_id:
            await self._check_visible(session, actor, row)
        if status_of(row) in {"revoked", "expired"}:
            raise Conflict(f"This key is {status_of(row)}.")
        successor = await repository.locked(session, actor.scope, row.successor_id) if row.successor_id else None
        if successor is None or successor.sealed_key is None:
            raise Conflict("No successor is waiting for this key: none was made, or it has been fetched.")
        key = self._sealer.open(successor.sealed_key)
        successor.sealed_key = None
        self._end_after_grace(row, None)
        await session.flush()
        session.changes.keys([row.id])
        return await self.get(session, actor.scope, successor.id), key

    # ---- ending

    async def announce_ends(self, session: WriteSession, limit: int) -> int:
        """Tells of keys that end within the notice's days, each end once. Returns how many were told of."""
        days = self._settings.key_expiry_notice_days
        rows = await repository.ending(session, now_ms() + days * DAY_MS, limit) if days else []
        for row in rows:
            session.add(KeyNotice(key_id=row.id, expires_at_ms=row.expires_at_ms))
            told = KeyExpiring(
                key_id=row.id, name=row.name, user_id=row.user_id, expires_at=time_or_none(row.expires_at_ms) or ""
            )
            emit(session, told, department_id=await _department(session, row), user_id=row.user_id)
        return len(rows)


async def _department(session: ReadSession, row: ApiKey) -> str | None:
    return (await identity.get_user(session, everything("the owner of a known key"), row.user_id)).department_id


def _tell_created(session: WriteSession, row: ApiKey, department_id: str | None) -> None:
    told = KeyCreated(
        key_id=row.id,
        name=row.name,
        user_id=row.user_id,
        created_by=row.created_by,
        scopes=list(row.scopes),
        expires_at=time_or_none(row.expires_at_ms),
    )
    emit(session, told, department_id=department_id, user_id=row.user_id)


def _tell_rotated(session: WriteSession, row: ApiKey, successor_id: str, department_id: str | None) -> None:
    end = time_or_none(row.expires_at_ms)
    told = KeyRotated(key_id=row.id, name=row.name, user_id=row.user_id, successor_id=successor_id, expires_at=end)
    emit(session, told, department_id=department_id, user_id=row.user_id)


def _check_tier(actor: Principal, owner: User, tier: str) -> None:
    """A tier is a set of limits: raising one's own takes leave. Raises Forbidden."""
    if actor.may(Permission.MANAGE_LIMITS, Target(owner.id, owner.department_id)):
        return
    raise Forbidden(
        f"The tier {tier} is for those to give who may {Permission.MANAGE_LIMITS.value}; leave it out.",
        details={"param": "tier"},
    )
