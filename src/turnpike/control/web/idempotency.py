"""Idempotency keys: a creation that is asked for twice happens once, and both callers get the one answer.

The key is claimed and the answer stored in the transaction of the creation itself: either all of it is there or
nothing is. A second request at the same time waits for the first one's transaction (a unique row in PostgreSQL, the
one writer in SQLite). What failed has left nothing, and may be tried again with the same key. Answers may hold a secret
that is shown once (a new key), so they are kept sealed, for a day, and are given to the same caller alone.
"""

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from fastapi import Request
from pydantic import TypeAdapter
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from starlette.responses import Response

from turnpike.control.db.models import IdempotentAnswer
from turnpike.control.db.sessions import WriteSession
from turnpike.control.infra.secrets import Sealer
from turnpike.control.infra.secrets.sealer import CannotOpen
from turnpike.control.web.audit import ACT
from turnpike.control.web.envelope import answered
from turnpike.errors import Conflict, InvalidRequest, KeyReused
from turnpike.kit.clock import now_ms
from turnpike.kit.ids import new_id

HEADER = "Idempotency-Key"
REPLAYED = "idempotency-replayed"
KEEP_MS = 24 * 3600 * 1000
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")
_TABLE: Any = IdempotentAnswer.__table__


class Replayed(Exception):
    """Not an error: this request was answered before, like this."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__("answered before")
        self.status = status
        self.body = body


class Claim:
    """A key, taken in a transaction that has not ended yet."""

    def __init__(self, row_id: str, sealer: Sealer, route: Any) -> None:
        self._row_id = row_id
        self._sealer = sealer
        self._route = route

    async def keep_answer(self, session: WriteSession) -> None:
        """Called when the route is done and before the commit."""
        envelope = answered.get()
        if envelope is None:
            raise InvalidRequest(f"This route's answers are not kept: ask without {HEADER}.")
        adapter = _adapter(self._route.response_model)
        text = adapter.dump_json(adapter.validate_python(envelope.model_dump())).decode()
        values = {"status": self._route.status_code or 200, "sealed": self._sealer.seal(text)}
        await session.execute(update(_TABLE).where(_TABLE.c.id == self._row_id).values(values))


@lru_cache(maxsize=512)
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


async def claim(session: WriteSession, request: Request, caller: str, sealer: Sealer) -> Claim | None:
    """None without the header. Raises Replayed, KeyReused, Conflict or InvalidRequest."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _KEY.match(key):
        raise InvalidRequest(f"{HEADER} must be 1 to 255 visible ASCII characters.", details={"header": HEADER})
    digest = _digest(sealer.keyring.pepper, caller.encode(), key.encode())
    # The fingerprint is keyed too: bodies hold secrets that are short enough to be guessed.
    asked = (request.method.encode(), request.url.path.encode(), request.url.query.encode(), await request.body())
    fingerprint = _digest(sealer.keyring.pepper, *asked)
    row = {"id": new_id(), "digest": digest, "fingerprint": fingerprint, "made_at_ms": now_ms()}
    answered.set(None)
    await session.execute(delete(_TABLE).where(_TABLE.c.digest == digest, _TABLE.c.made_at_ms < now_ms() - KEEP_MS))
    if await _insert(session, row):
        return Claim(row["id"], sealer, request.scope["route"])
    raise await _known(session, digest, fingerprint, sealer)


async def _insert(session: WriteSession, row: dict[str, Any]) -> bool:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(_TABLE).values(row).on_conflict_do_nothing(index_elements=["digest"])
    return (await session.execute(statement.returning(_TABLE.c.id))).first() is not None


async def _known(session: WriteSession, digest: bytes, fingerprint: bytes, sealer: Sealer) -> Exception:
    found = (await session.execute(select(_TABLE).where(_TABLE.c.digest == digest))).first()
    if found is None or found.sealed is None:
        return Conflict(f"Another request with this {HEADER} is being served; try again.")
    if found.fingerprint != fingerprint:
        return KeyReused(
            f"This {HEADER} stands for another request already. Take a new one for a new request; the same one only "
            "to repeat a request to the letter.",
            details={"header": HEADER},
        )
    try:
        return Replayed(found.status, sealer.open(found.sealed))
    except CannotOpen:
        return Conflict(f"The request with this {HEADER} was served, but its answer cannot be read any more.")


def _digest(pepper: bytes, *parts: bytes) -> bytes:
    whole = blake2b(digest_size=32, key=pepper[:64], person=b"tp-idem")
    for part in parts:
        whole.update(len(part).to_bytes(8, "big"))
        whole.update(part)
    return whole.digest()


def replay(request: Request, error: Exception) -> Response:
    assert isinstance(error, Replayed)
    act = request.scope.get(ACT)
    if act is not None:
        act.audited = lambda: False  # nothing is done: the audit log has what was
    headers = {REPLAYED: "true"}
    return Response(error.body, error.status, headers, media_type="application/json")


async def forget_old(session: WriteSession) -> None:
    await session.execute(delete(_TABLE).where(_TABLE.c.made_at_ms < now_ms() - KEEP_MS))
