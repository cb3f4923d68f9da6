"""What a key may do, looked up by its digest: for relays that ask, and for control's own API.

Grants in use are kept in memory, to be written down with the last good snapshot and to answer from while the database
is away. The query itself is in grant_query.py.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from sqlalchemy import Row

from turnpike.contract.grants import KeyGrant, PersonalAccess
from turnpike.contract.scopes import to_bits
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.grant_query import GrantQuery, KeyRow, Rules
from turnpike.control.infra.secrets import Sealer
from turnpike.control.rights.roles import key_rights, rights_of, scopes_of
from turnpike.errors import Unavailable
from turnpike.kit.clock import now_ms

KEPT_GRANTS = 20_000
RETRY_AFTER_S = 2.0


class Grants:
    """`offline_until_ms` says until when remembered grants may be served without the database; `dress` gives a grant
    the form that relays may have."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        offline_until_ms: Callable[[], int],
        dress: Callable[[KeyGrant], Awaitable[KeyGrant]],
    ) -> None:
        self._dress = dress
        self.asking = 0
        """Grants that are being looked up."""
        self._rows = GrantQuery(database)
        self._sealer = sealer
        self._offline_until_ms = offline_until_ms
        self._kept: OrderedDict[bytes, KeyGrant] = OrderedDict()
        self._digests: dict[str, bytes] = {}
        self._generation = 0
        self.touched = False
        """Set when what is kept changed; whoever writes it down clears it."""

    async def resolve(self, digest: bytes, *, remembered: bool = False) -> KeyGrant | None:
        """The grant of the key with this digest; None when there is none that works. `remembered`: one in memory will
        do, which is at most a poll of the change log old.

        Raises Unavailable when the database cannot be reached and the grant is not remembered.
        """
        if remembered:
            kept = self._kept.get(digest)
            if kept is not None and self._fresh():
                return kept if _alive(kept) else None
        try:
            return await self._resolve_now(digest)
        except UNREACHABLE as error:
            kept = self._kept.get(digest)
            if kept is not None and self._fresh():
                return kept if _alive(kept) else None
            raise Unavailable(
                "The database cannot be reached, so this key cannot be checked.", retry_after_s=RETRY_AFTER_S
            ) from error

    async def _resolve_now(self, digest: bytes) -> KeyGrant | None:
        while True:
            generation = self._generation
            self.asking += 1
            try:
                grant = await self._query(digest)
            finally:
                self.asking -= 1
            if generation == self._generation:
                self._keep(digest, grant)
                return grant
            # Something changed while the database was asked: the answer may be of before.

    async def _query(self, digest: bytes) -> KeyGrant | None:
        rows, rules = await self._rows.find(digest)
        if not rows or rows[0].revoked_at_ms is not None or not rows[0].is_active:
            return None
        personal = tuple(self.personal(row, rules) for row in rows if row.provider_id is not None)
        grant = _grant(rows[0], personal, rules)
        return await self._dress(grant) if _alive(grant) else None

    async def dress(self, grant: KeyGrant) -> KeyGrant:
        """In the form that relays may have."""
        return await self._dress(grant)

    def personal(self, row: Row[Any], rules: Rules) -> PersonalAccess:
        """Of a row with `owner_id`, `user_id`, `provider_id`, `use_shared_api`, `credential_id` and `sealed`."""
        # A personal credential serves its owner only, whatever a row may point at.
        if row.credential_id is None or row.owner_id != row.user_id:
            return PersonalAccess(row.provider_id, row.use_shared_api, None, None)
        secret = self._sealer.open(row.sealed)
        own = rules.budgets_of_credential(row.credential_id)
        return PersonalAccess(row.provider_id, row.use_shared_api, row.credential_id, secret, budgets=own)

    # ---- memory

    def _fresh(self) -> bool:
        return now_ms() <= self._offline_until_ms()

    def _keep(self, digest: bytes, grant: KeyGrant | None) -> None:
        before = self._kept.pop(digest, None)
        if grant is not None:
            self._kept[digest] = grant
            self._digests[grant.key_id] = digest
            if len(self._kept) > KEPT_GRANTS:
                _, oldest = self._kept.popitem(last=False)
                self._digests.pop(oldest.key_id, None)
        if before != grant:
            self.touched = True

    def forget(self, key_ids: Iterable[str] | None) -> None:
        """These keys' grants no longer hold; None: none does."""
        self._generation += 1
        if key_ids is None:
            self.touched = self.touched or bool(self._kept)
            self._kept.clear()
            self._digests.clear()
            return
        for key_id in key_ids:
            digest = self._digests.pop(key_id, None)
            if digest is not None and self._kept.pop(digest, None) is not None:
                self.touched = True

    def keys_with(self, credential_id: str) -> list[str]:
        """Keys in memory whose owner calls with this credential."""
        return [
            grant.key_id
            for grant in self._kept.values()
            if any(each.credential_id == credential_id for each in grant.personal)
        ]

    def kept(self) -> list[tuple[bytes, KeyGrant]]:
        """In the order of their last use, oldest first."""
        return list(self._kept.items())

    def restore(self, grants: Iterable[tuple[bytes, KeyGrant]]) -> None:
        for digest, grant in grants:
            self._kept[digest] = grant
            self._digests[grant.key_id] = digest


def _alive(grant: KeyGrant) -> bool:
    return grant.expires_at_ms == 0 or grant.expires_at_ms > now_ms()


def _grant(row: KeyRow, personal: tuple[PersonalAccess, ...], rules: Rules) -> KeyGrant:
    owner = rights_of(row.role, row.role_permissions)
    role = None if row.key_role is None else rights_of(row.key_role, row.key_role_permissions)
    # A key that was made when its owner might do more grants no more than the owner may now.
    scopes = to_bits(row.scopes) & scopes_of(owner)
    return KeyGrant(
        key_id=row.id,
        key_name=row.name,
        user_id=row.user_id,
        department_id=row.department_id,
        role=row.role,
        scopes=scopes,
        tier=row.tier,
        models=tuple(row.models),
        networks=tuple(row.networks),
        expires_at_ms=row.expires_at_ms or 0,
        default_provider=row.slug,
        personal=personal,
        denied_networks=tuple(row.denied_networks or ()),
        limits=rules.limits_of(row.id, row.user_id),
        budgets=rules.budgets_of(row.id, row.user_id),
        department_models=tuple(row.department_models or ()),
        rights=key_rights(owner, scopes, role).bits(),
    )
