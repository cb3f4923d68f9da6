"""Re-encrypting every sealed value in the database under the newest key.

Batches are transactions of their own, so a rotation that is stopped goes on where it was: what the newest key has
sealed already begins with its fingerprint and is not found again.
"""

from dataclasses import dataclass
from typing import cast

import structlog
from sqlalchemy import Select, Table, select, update

from turnpike.control.db.database import Database
from turnpike.control.db.models import (
    AlertTarget,
    ApiKey,
    Base,
    Credential,
    IdempotentAnswer,
    Issuer,
    Session,
    SigningKey,
    WebhookEndpoint,
)
from turnpike.control.infra.secrets.sealer import CannotOpen, Sealer

SEALED: tuple[tuple[type[Base], str], ...] = (
    (Credential, "sealed"),
    (ApiKey, "sealed_key"),
    (SigningKey, "sealed"),
    (Issuer, "sealed_secret"),
    (Session, "sealed_id_token"),
    (WebhookEndpoint, "sealed_secret"),
    (WebhookEndpoint, "sealed_old_secret"),
    (AlertTarget, "sealed_url"),
    (IdempotentAnswer, "sealed"),
)
"""Every column that holds sealed text."""
BATCH = 200
log = structlog.get_logger()


@dataclass
class Resealed:
    count: int = 0
    unreadable: int = 0
    """Values that no key opens: left as they are."""


async def reseal_all(database: Database, sealer: Sealer, *, batch: int = BATCH) -> Resealed:
    done = Resealed()
    for model, column in SEALED:
        last: str | None = ""
        while last is not None:
            query = _unsealed(sealer, cast(Table, model.__table__), column, last).limit(batch)
            last = await _reseal_batch(database, sealer, query, column, done)
    return done


def _unsealed(sealer: Sealer, table: Table, name: str, after: str) -> Select[str, str]:
    column = table.c[name]
    return (
        select(table.c.id, column)
        .where(column.is_not(None), column.not_like(f"{sealer.current_prefix}%"), table.c.id > after)
        .order_by(table.c.id)
        .with_for_update()
    )


async def _reseal_batch(
    database: Database, sealer: Sealer, query: Select[str, str], name: str, done: Resealed
) -> str | None:
    """The id of the last row looked at; None when there was none left."""
    table = cast(Table, query.get_final_froms()[0])
    async with database.write() as session:
        rows = (await session.execute(query)).all()
        for row_id, sealed in rows:
            try:
                fresh = sealer.seal(sealer.open(sealed))
            except CannotOpen as error:
                log.warning("value_cannot_be_opened", table=table.name, id=row_id, reason=error.message)
                done.unreadable += 1
                continue
            await session.execute(update(table).where(table.c.id == row_id).values({name: fresh}))
            done.count += 1
    return rows[-1][0] if rows else None
