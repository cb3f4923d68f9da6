"""The issuers that are trusted now, read from the database and remembered until one of them changes."""

from collections.abc import Sequence

import structlog
from pydantic import ValidationError
from sqlalchemy import select

from turnpike.control.db.changes import Versions
from turnpike.control.db.database import Database
from turnpike.control.db.models import Issuer
from turnpike.control.db.sessions import Changes
from turnpike.control.infra.secrets import CannotOpen, Sealer
from turnpike.control.keeper import Keeper
from turnpike.control.oidc.config import IssuerConfig
from turnpike.control.oidc.metadata import Place
from turnpike.control.oidc.tokens import Trusted
from turnpike.kit.clock import now_ms

BELIEVED_MS = 1_000
log = structlog.get_logger()


class Issuers:
    def __init__(self, database: Database, sealer: Sealer, keeper: Keeper) -> None:
        self._database = database
        self._sealer = sealer
        self._keeper = keeper
        self._active: Sequence[Trusted] | None = None
        self._generation = 0
        keeper.listen(self)
        database.on_change(self._changed_here)

    def snapshot_changed(self, packed: bytes) -> None:
        return None

    def grants_changed(self, key_ids: list[str] | None) -> None:
        if key_ids is None:
            self._generation += 1
            self._active = None

    def _changed_here(self, _: Versions, changes: Changes) -> None:
        self.grants_changed(changes.key_ids)

    async def active(self) -> Sequence[Trusted]:
        """Raises what the database raises."""
        found = self._active
        if found is None or self._keeper.contact_at_ms < now_ms() - BELIEVED_MS:
            generation = self._generation
            async with self._database.read() as session:
                query = select(Issuer).where(Issuer.is_active).order_by(Issuer.name, Issuer.id)
                rows = (await session.scalars(query)).all()
            found = [trusted for row in rows if (trusted := self._trusted(row)) is not None]
            # What changed while the database was asked may not be in the answer: then it is not remembered.
            self._active = found if generation == self._generation else None
        return found

    async def named(self, slug: str) -> Trusted | None:
        return next((each for each in await self.active() if each.slug == slug), None)

    async def with_id(self, issuer_id: str | None) -> Trusted | None:
        return next((each for each in await self.active() if each.id == issuer_id), None)

    def _trusted(self, row: Issuer) -> Trusted | None:
        try:
            config = IssuerConfig.model_validate(row.config)
            secret = self._sealer.open(row.sealed_secret) if row.sealed_secret else None
        except (ValidationError, CannotOpen) as error:
            log.error("issuer_unusable", issuer=row.slug, error_type=type(error).__name__)
            return None
        place = Place(row.issuer, tuple(config.allow_addresses))
        return Trusted(row.id, row.slug, row.name, row.kind, place, row.client_id, secret, config)
