"""Re-encrypting every sealed value in the database under the newest key.

Batches are transactions of their own, so a rotation that is stopped goes on where it was: what the newest key has
sealed already begins with its fingerprint and is not found again.
"""

from typing import cast

from sqlalchemy import Table, select, update

from turnpike.control.db.database import Database
from turnpike.control.db.models import ApiKey, Base, Credential
from turnpike.control.infra.secrets.sealer import Sealer

SEALED: tuple[tuple[type[Base], str], ...] = ((Credential, "sealed"), (ApiKey, "sealed_key"))
"""Every column that holds sealed text."""
BATCH = 200


async def reseal_all(database: Database, sealer: Sealer, *, batch: int = BATCH) -> int:
    """Returns how many values were re-encrypted. Raises CannotOpen for one that no key opens, having stored the
    batches before it."""
    count = 0
    for model, column in SEALED:
        while resealed := await _reseal_batch(database, sealer, cast(Table, model.__table__), column, batch):
            count += resealed
    return count


async def _reseal_batch(database: Database, sealer: Sealer, table: Table, name: str, batch: int) -> int:
    column = table.c[name]
    query = (
        select(table.c.id, column)
        .where(column.is_not(None), column.not_like(f"{sealer.current_prefix}%"))
        .order_by(table.c.id)
        .limit(batch)
        .with_for_update()
    )
    async with database.write() as session:
        rows = (await session.execute(query)).all()
        for row_id, sealed in rows:
            fresh = sealer.seal(sealer.open(sealed))
            await session.execute(update(table).where(table.c.id == row_id).values({name: fresh}))
    return len(rows)
