"""The keys that sign access tokens: ES256 (RFC 7518), sealed in the database, published as a JWK set, replaced by age.

A new key is published a while before it signs, and an old one stays until the last token that it signed is over. So
whoever keeps the set for some minutes can always check a token.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from joserfc.jwk import ECKey
from sqlalchemy import delete, or_, select, update

from turnpike.control.db.database import Database
from turnpike.control.db.models import Meta, SigningKey
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.infra.secrets import Sealer
from turnpike.kit.clock import now_ms
from turnpike.kit.ids import new_id
from turnpike.settings import Settings

ALGORITHM = "ES256"
LEAD_MS = 600_000
"""How long a key is published before it signs."""
KEPT_S = 60.0
MISS_FLOOR_S = 1.0
"""However many unknown keys are asked for, the database is asked this often at most."""
DAY_MS = 86_400_000


class SigningKeys:
    def __init__(self, settings: Settings, database: Database, sealer: Sealer) -> None:
        self._settings = settings
        self._database = database
        self._sealer = sealer
        self._rows: Sequence[SigningKey] = ()
        self._opened: dict[str, ECKey] = {}
        self._read_at = -KEPT_S
        self._lock = asyncio.Lock()

    def forget(self) -> None:
        """Something that holds everywhere at once was changed: ask the database again."""
        self._read_at = -KEPT_S

    async def signer(self) -> tuple[str, ECKey]:
        """The `kid` and the private key to sign with."""
        rows = await self._current()
        now = now_ms()
        row = max((row for row in rows if row.signs_from_ms <= now), key=lambda row: row.signs_from_ms)
        return row.id, self._private(row)

    async def verifier(self, kid: str) -> ECKey | None:
        """The key that a token names; None when it is not, or no longer, ours."""
        for row in await self._current():
            if row.id == kid:
                return self._private(row)
        if time.monotonic() - self._read_at > MISS_FLOOR_S:
            self.forget()
            return next((self._private(row) for row in await self._current() if row.id == kid), None)
        return None

    async def published(self) -> dict[str, Any]:
        """A JWK set (RFC 7517), public parts only."""
        return {"keys": [dict(row.public_jwk) for row in await self._current()]}

    async def rotate(self, *, at_once: bool = False) -> str:
        """Makes a successor and returns its `kid`. `at_once`: the old keys are believed no more, and every access token
        that they signed ends; for a key that somebody else may have."""
        async with self._database.write() as session:
            await _take_turns(session)
            made = await self._add(session, now_ms() if at_once else now_ms() + LEAD_MS)
            gone = now_ms() if at_once else made.signs_from_ms + self._settings.access_token_s * 1000 + LEAD_MS
            older = update(SigningKey).where(SigningKey.id != made.id)
            if not at_once:
                older = older.where(SigningKey.gone_at_ms.is_(None))
            await session.execute(older.values(gone_at_ms=gone))
            session.changes.all_keys()
        self.forget()
        return made.id

    async def rotate_due(self) -> bool:
        """By age, and once for all processes. Old ones that are gone are deleted."""
        days = self._settings.signing_key_days
        async with self._database.write() as session:
            await session.execute(delete(SigningKey).where(SigningKey.gone_at_ms < now_ms()))
        due = [row for row in await self._current() if row.gone_at_ms is None]
        if not days or not due or now_ms() - due[-1].created_at_ms < days * DAY_MS:
            return False
        await self.rotate()
        return True

    # ---- inside

    async def _current(self) -> Sequence[SigningKey]:
        """Those that are believed now, oldest first; there is always one that may sign."""
        async with self._lock:
            if time.monotonic() - self._read_at > KEPT_S:
                async with self._database.read() as session:
                    self._rows = await _rows(session)
                if not self._rows:
                    await self._make_first()
                self._read_at = time.monotonic()
                self._opened = {row.id: self._opened[row.id] for row in self._rows if row.id in self._opened}
        now = now_ms()
        return [row for row in self._rows if row.gone_at_ms is None or row.gone_at_ms > now]

    async def _make_first(self) -> None:
        async with self._database.write() as session:
            await _take_turns(session)
            self._rows = await _rows(session)
            if not self._rows:
                self._rows = [await self._add(session, now_ms())]

    async def _add(self, session: WriteSession, signs_from_ms: int) -> SigningKey:
        kid = new_id()
        key = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": ALGORITHM})
        row = SigningKey(
            id=kid,
            public_jwk=dict(key.as_dict(private=False)),
            sealed=self._sealer.seal(msgspec.json.encode(dict(key.as_dict(private=True))).decode()),
            signs_from_ms=signs_from_ms,
        )
        session.add(row)
        await session.flush()
        return row

    def _private(self, row: SigningKey) -> ECKey:
        key = self._opened.get(row.id)
        if key is None:
            key = self._opened[row.id] = ECKey.import_key(msgspec.json.decode(self._sealer.open(row.sealed)))
        return key


async def _rows(session: ReadSession) -> Sequence[SigningKey]:
    alive = or_(SigningKey.gone_at_ms.is_(None), SigningKey.gone_at_ms > now_ms())
    return (await session.scalars(select(SigningKey).where(alive).order_by(SigningKey.created_at_ms))).all()


async def _take_turns(session: WriteSession) -> None:
    """The lock on this row makes processes that want a key at the same time wait for each other."""
    await session.execute(update(Meta).where(Meta.id == 1).values(version=Meta.version))
