"""Slows down who guesses: failures are counted by account and by address, for all control processes together.

An attempt counts before it is looked at, so many at the same time gain nothing; success takes it back. From the limit
on each further failure doubles the wait, up to a quarter of an hour; a quarter of an hour without one forgets them all.
"""

from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import delete, select, text, update

from turnpike.control.db.database import Database
from turnpike.control.db.models import SignInThrottle
from turnpike.control.db.sessions import WriteSession
from turnpike.errors import RateLimited
from turnpike.kit.clock import now_ms
from turnpike.settings import Settings

WINDOW_MS = 900_000
FIRST_WAIT_MS = 5_000
LONGEST_MS = 900_000
ADDRESS_FACTOR = 6
_INSERT = text(
    "INSERT INTO sign_in_throttle (name, failures, since_ms, blocked_until_ms) VALUES (:name, 0, :now, 0) "
    "ON CONFLICT (name) DO NOTHING"
)


class Throttle:
    def __init__(self, settings: Settings, database: Database, pepper: bytes) -> None:
        self._database = database
        self._pepper = pepper
        self._allowed = settings.sign_in_attempts

    async def enter(self, account: str, address: str | None) -> None:
        """Counts an attempt. Raises RateLimited when account or address must wait."""
        named = self._names(account, address)
        async with self._database.write() as session:
            rows = [await _locked(session, name) for name, _ in named]
            wait_ms = max(row.blocked_until_ms for row in rows) - now_ms()
            if wait_ms <= 0:
                for row, (_, allowed) in zip(rows, named, strict=True):
                    _count(row, allowed)
        if wait_ms > 0:
            raise RateLimited(
                "Too many attempts to sign in failed. Wait before the next one.", retry_after_s=wait_ms / 1000
            )

    async def passed(self, account: str, address: str | None) -> None:
        """The last attempt was right: the account starts afresh, the address has one failure less."""
        (own, _), *others = self._names(account, address)
        async with self._database.write() as session:
            await session.execute(delete(SignInThrottle).where(SignInThrottle.name == own))
            for name, _ in others:
                fewer = update(SignInThrottle).where(SignInThrottle.name == name, SignInThrottle.failures > 0)
                await session.execute(fewer.values(failures=SignInThrottle.failures - 1, blocked_until_ms=0))

    def _names(self, account: str, address: str | None) -> list[tuple[str, int]]:
        named = [(self._name("account", account), self._allowed)]
        if address:
            named.append((self._name("address", _network(address)), self._allowed * ADDRESS_FACTOR))
        return named

    def _name(self, kind: str, value: str) -> str:
        return blake2b(f"{kind}:{value}".encode(), digest_size=32, key=self._pepper).hexdigest()


async def _locked(session: WriteSession, name: str) -> SignInThrottle:
    await session.execute(_INSERT, {"name": name, "now": now_ms()})
    return (await session.scalars(select(SignInThrottle).where(SignInThrottle.name == name).with_for_update())).one()


def _count(row: SignInThrottle, allowed: int) -> None:
    now = now_ms()
    if now - row.since_ms > WINDOW_MS:
        row.failures = 0
    row.failures += 1
    row.since_ms = now
    if row.failures >= allowed:
        row.blocked_until_ms = now + min(FIRST_WAIT_MS << min(row.failures - allowed, 20), LONGEST_MS)


def _network(address: str) -> str:
    """Whoever has an IPv6 address has a /64 of them."""
    try:
        found = ip_address(address.split("%", 1)[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, 64), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)
