"""The audit log as a file that proves itself: entries in order, and the signed heads that vouch for them.

The first record says what the chain begins with (`start`) and whose key signs; `turnpike audit verify --file` reads it
again. Written while it is read, so that its size does not matter to memory.
"""

from collections.abc import AsyncIterator
from itertools import chain
from typing import Any

import msgspec

from turnpike.control.audit.chain import FIELDS, GENESIS
from turnpike.control.audit.signing import CUT, Checkpoint, Signer
from turnpike.control.db.database import Database
from turnpike.control.domains.audit import repository, service
from turnpike.control.domains.audit.repository import Stored
from turnpike.kit.csvrows import csv_rows

CHUNK = 1000
CSV_FIELDS = ("type", *FIELDS, "personal_salt", "personal_data", "erased", "kind", "public_key", "signature")
_encode = msgspec.json.Encoder().encode
Record = dict[str, Any]


async def export(
    database: Database, signer: Signer, since_ms: int | None, until_ms: int | None, form: str
) -> AsyncIterator[bytes]:
    """Parts of the file. The head is signed first, so that what is exported is vouched for to its end."""
    async with database.write() as session:
        await service.sign_head(session, signer)
    async with database.read() as session:
        cut = await repository.newest_checkpoint(session, CUT)
        begun = cut.seq if cut else 0
        if since_ms is not None:
            begun = max(begun, await repository.seq_before(session, since_ms))
        end, _ = await repository.head(session)
        if until_ms is not None:
            end = await repository.seq_before(session, until_ms)
        before = await repository.entry(session, service.CHAIN, begun)
        start = before.entry.hash if before else (cut.hash if cut and cut.seq == begun else GENESIS)
    write = _Csv() if form == "csv" else _Ndjson()
    yield write.records([{"type": "start", "seq": begun, "hash": start, "public_key": signer.public_key}])
    reached = begun
    while reached < end:
        async with database.read() as session:
            stored = await repository.after(session, reached, end, CHUNK)
            last = stored[-1].entry.seq if stored else end
            signed = await repository.checkpoints(session, reached + 1, last)
        if stored or signed:
            yield write.records([*map(_entry, stored), *map(_checkpoint, signed)])
        if not stored:
            return
        reached = last


def _entry(stored: Stored) -> Record:
    personal = stored.personal
    return {
        "type": "entry",
        **msgspec.structs.asdict(stored.entry),
        "personal_salt": personal.salt if personal else None,
        "personal_data": personal.data if personal else None,
        "erased": stored.erased,
    }


def _checkpoint(checkpoint: Checkpoint) -> Record:
    return {"type": "checkpoint", **msgspec.structs.asdict(checkpoint)}


class _Ndjson:
    def records(self, records: list[Record]) -> bytes:
        return b"".join(_encode(record) + b"\n" for record in records)


class _Csv:
    def __init__(self) -> None:
        self._begun = False

    def records(self, records: list[Record]) -> bytes:
        cells = ([record.get(name) for name in CSV_FIELDS] for record in records)
        begun, self._begun = self._begun, True
        return csv_rows(cells if begun else chain([CSV_FIELDS], cells))
