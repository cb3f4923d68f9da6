"""The one query behind every grant, asked for many keys at a time.

Relays that start, or that were told to forget everything, ask for thousands of keys at once. While one query is
under way the next questions gather, and go together: a key then costs a tenth of what it does alone.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import aliased

from turnpike.contract.budgets import BudgetSpec
from turnpike.contract.limits import LimitRule
from turnpike.control.budget_specs import budgets_of
from turnpike.control.db.database import Database
from turnpike.control.db.models import ApiKey, Credential, Department, Provider, ProviderSetting, RoleRow, User
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.limits import service as limits

AT_ONCE = 500
KeyRow = Row[*tuple[Any, ...]]


class Rules(NamedTuple):
    """Limits and budgets of callers, by what they are of."""

    limits: limits.Rules
    budgets: dict[str, list[BudgetSpec]]

    def limits_of(self, key_id: str, user_id: str) -> tuple[LimitRule, ...]:
        return self.limits.get(key_id, ()) + self.limits.get(user_id, ())

    def budgets_of(self, key_id: str, user_id: str) -> tuple[BudgetSpec, ...]:
        return (*self.budgets.get(f"key:{key_id}", ()), *self.budgets.get(f"user:{user_id}", ()))

    def budgets_of_credential(self, credential_id: str) -> tuple[BudgetSpec, ...]:
        return tuple(self.budgets.get(f"credential:{credential_id}", ()))


async def rules_of(session: ReadSession, key_ids: list[str], rows: Sequence[Row[Any]]) -> Rules:
    """What holds for these keys and for the people and personal credentials of these rows, which have `user_id` and
    `credential_id`."""
    user_ids = list({row.user_id for row in rows})
    credentials = [row.credential_id for row in rows if row.credential_id is not None]
    if not user_ids:
        return Rules({}, {})
    subjects = {"key": key_ids, "user": user_ids, "credential": credentials}
    return Rules(await limits.rules_of_callers(session, key_ids, user_ids), await budgets_of(session, subjects))


class Found(NamedTuple):
    """What is known of a key."""

    rows: Sequence[KeyRow]
    """One for each of the owner's settings at a provider, or a single one without; none for an unknown key."""
    rules: Rules


_KEY_ROLE = aliased(RoleRow)
_QUERY = (
    select(
        ApiKey.digest,
        ApiKey.id,
        ApiKey.name,
        ApiKey.scopes,
        ApiKey.tier,
        ApiKey.models,
        ApiKey.networks,
        ApiKey.denied_networks,
        ApiKey.expires_at_ms,
        ApiKey.revoked_at_ms,
        User.id.label("user_id"),
        User.department_id,
        User.role,
        User.is_active,
        Department.models.label("department_models"),
        RoleRow.permissions.label("role_permissions"),
        ApiKey.role.label("key_role"),
        _KEY_ROLE.permissions.label("key_role_permissions"),
        Provider.slug,
        ProviderSetting.provider_id,
        ProviderSetting.use_shared_api,
        Credential.id.label("credential_id"),
        Credential.owner_id,
        Credential.sealed,
    )
    .join(User, User.id == ApiKey.user_id)
    .outerjoin(Department, Department.id == User.department_id)
    .outerjoin(RoleRow, RoleRow.name == User.role)
    .outerjoin(_KEY_ROLE, _KEY_ROLE.name == ApiKey.role)
    .outerjoin(Provider, Provider.id == ApiKey.default_provider_id)
    .outerjoin(ProviderSetting, (ProviderSetting.user_id == User.id) & ProviderSetting.is_active)
    .outerjoin(Credential, (Credential.id == ProviderSetting.credential_id) & Credential.is_active)
    .where(ApiKey.digest.in_(bindparam("digests", expanding=True)))
    .order_by(ApiKey.id, ProviderSetting.provider_id)
)


class GrantQuery:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[bytes, asyncio.Future[Found]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def find(self, digest: bytes) -> Found:
        """What it says was true after this was called. Raises what the database raises."""
        waiting = self._waiting.get(digest)
        if waiting is None:
            waiting = self._waiting[digest] = asyncio.get_running_loop().create_future()
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask_all(), name="resolve keys")
        return await asyncio.shield(waiting)

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                batch = {digest: self._waiting.pop(digest) for digest in list(self._waiting)[:AT_ONCE]}
                await self._ask(batch)
        finally:
            self._asking = None

    async def _ask(self, batch: dict[bytes, asyncio.Future[Found]]) -> None:
        found: dict[bytes, list[KeyRow]] = {digest: [] for digest in batch}
        try:
            async with self._database.read() as session:
                for row in await session.execute(_QUERY, {"digests": list(batch)}):
                    found[bytes(row.digest)].append(row)
                rows = [row for one in found.values() for row in one]
                rules = await rules_of(session, list({row.id for row in rows}), rows)
        except Exception as error:  # noqa: BLE001 - handed to those who wait for the answer
            for waiting in batch.values():
                waiting.set_exception(error)
                waiting.exception()  # nobody may be waiting any more
            return
        for digest, waiting in batch.items():
            waiting.set_result(Found(found[digest], rules))
