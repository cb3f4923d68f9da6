"""The one query behind every grant, asked for many keys at a time.

Relays that start, or that were told to forget everything, ask for thousands of keys at once. While one query is
under way the next questions gather, and go together: a key then costs a tenth of what it does alone.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, bindparam, select

from turnpike.contract.budgets import BudgetSpec
from turnpike.control.budget_specs import budgets_of
from turnpike.control.db.database import Database
from turnpike.control.db.models import ApiKey, Credential, Provider, ProviderSetting, User

AT_ONCE = 500
KeyRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True)
class KeyRows:
    """Of one key: a row for each of its owner's settings at a provider, or a single one without; none for an unknown
    key. `budgets` by `<kind>:<id>`."""

    rows: Sequence[KeyRow] = ()
    budgets: dict[str, list[BudgetSpec]] = field(default_factory=dict)


_QUERY = (
    select(
        ApiKey.digest,
        ApiKey.id,
        ApiKey.name,
        ApiKey.scopes,
        ApiKey.tier,
        ApiKey.models,
        ApiKey.networks,
        ApiKey.expires_at_ms,
        ApiKey.revoked_at_ms,
        User.id.label("user_id"),
        User.department_id,
        User.role,
        User.is_active,
        Provider.slug,
        ProviderSetting.provider_id,
        ProviderSetting.use_shared_api,
        Credential.id.label("credential_id"),
        Credential.owner_id,
        Credential.sealed,
    )
    .join(User, User.id == ApiKey.user_id)
    .outerjoin(Provider, Provider.id == ApiKey.default_provider_id)
    .outerjoin(ProviderSetting, (ProviderSetting.user_id == User.id) & ProviderSetting.is_active)
    .outerjoin(Credential, (Credential.id == ProviderSetting.credential_id) & Credential.is_active)
    .where(ApiKey.digest.in_(bindparam("digests", expanding=True)))
    .order_by(ApiKey.id, ProviderSetting.provider_id)
)


class GrantQuery:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[bytes, asyncio.Future[KeyRows]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def rows(self, digest: bytes) -> KeyRows:
        """What they say was true after this was called. Raises what the database raises."""
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

    async def _ask(self, batch: dict[bytes, asyncio.Future[KeyRows]]) -> None:
        found: dict[bytes, list[KeyRow]] = {digest: [] for digest in batch}
        try:
            async with self._database.read() as session:
                for row in await session.execute(_QUERY, {"digests": list(batch)}):
                    found[bytes(row.digest)].append(row)
                rows = [row for one in found.values() for row in one]
                subjects = {
                    "key": [row.id for row in rows],
                    "user": [row.user_id for row in rows],
                    "credential": [row.credential_id for row in rows if row.credential_id is not None],
                }
                budgets = await budgets_of(session, subjects)
        except Exception as error:  # noqa: BLE001 - handed to those who wait for the answer
            for waiting in batch.values():
                waiting.set_exception(error)
                waiting.exception()  # nobody may be waiting any more
            return
        for digest, waiting in batch.items():
            waiting.set_result(KeyRows(found[digest], budgets))
