"""What may be asked of the audit log and done to it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from turnpike.control.audit.entries import GATEWAY, Draft
from turnpike.control.audit.signing import CUT, HEAD, Checkpoint, Signer, is_signed
from turnpike.control.audit.verify import Broken, Verifier
from turnpike.control.db.database import Database
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.audit import repository
from turnpike.control.domains.audit.repository import EntryFilter, Stored
from turnpike.control.infra.secrets import Sealer
from turnpike.control.rights.policy import Scope, everything
from turnpike.errors import InvalidRequest, NotFound
from turnpike.kit.clock import now_ms
from turnpike.kit.pagination import Page
from turnpike.settings import Settings

BATCH = 1000
MOST_VERIFIED = 50_000
"""Entries that one question verifies; the answer says where to go on."""
REMOVED_AT_ONCE = 5_000
CHAIN = everything("the chain is one, whoever is in it")
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Verdict:
    first: int
    """The entry that the check began behind: 0, or where retention cut."""
    last: int
    head: int
    """Where the log ends."""
    entries: int
    heads: int
    erased: int
    broken: Broken | None
    signed: Checkpoint | None = None
    """The newest signed head: nothing up to there can be taken away unseen."""

    @property
    def complete(self) -> bool:
        return self.broken is not None or self.last >= self.head


def signer_of(sealer: Sealer) -> Signer:
    return Signer(sealer.keyring.audit_seed)


async def find(
    session: ReadSession, scope: Scope, wanted: EntryFilter, page: Page, *, newest_first: bool = True
) -> tuple[list[Stored], int]:
    return await repository.entries(session, scope, wanted, page, newest_first=newest_first)


async def get(session: ReadSession, scope: Scope, seq: int) -> Stored:
    """Raises NotFound, for what lies outside of the scope too."""
    stored = await repository.entry(session, scope, seq)
    if stored is None:
        raise NotFound(f"There is no entry {seq} in the audit log, or it was cut off by retention.")
    return stored


# ---- verifying


async def verify(session: ReadSession, signer: Signer, from_seq: int | None, to_seq: int | None) -> Verdict:
    """Recomputes the chain from an entry on (without: from the beginning, or where retention cut) to another one, as
    far as one answer goes. Raises InvalidRequest for a range that was cut off or is not there."""
    end = await repository.head(session)
    cut = await repository.newest_checkpoint(session, CUT)
    start = await _start(session, from_seq, cut, end[0])
    begun = start[0] if start else (cut.seq if cut else 0)
    until = min(to_seq or end[0], begun + MOST_VERIFIED)
    to_the_end = until >= end[0]
    signed = await repository.checkpoints(session, begun if start is None else begun + 1, 2**62)
    if not to_the_end:
        signed = [checkpoint for checkpoint in signed if checkpoint.seq <= until]
    verifier = Verifier(signed, signer.public_key, start=start)
    reached = begun
    while verifier.broken is None:
        stored = await repository.after(session, reached, until if not to_the_end else 2**62, BATCH)
        if not stored:
            break
        await asyncio.to_thread(_feed, verifier, stored)
        reached = stored[-1].entry.seq
    if not to_the_end and verifier.broken is None and verifier.last < until:
        verifier.end((until, ""))
    broken = verifier.end(end if to_the_end else None)
    newest = await repository.newest_checkpoint(session, HEAD)
    if newest is not None and not is_signed(newest, signer.public_key):
        newest = None
    return Verdict(begun, verifier.last, end[0], verifier.entries, verifier.heads, verifier.erased, broken, newest)


def _feed(verifier: Verifier, entries: Sequence[Stored]) -> None:
    for stored in entries:
        if not verifier.feed(stored.entry, stored.personal, erased=stored.erased):
            return


async def _start(
    session: ReadSession, from_seq: int | None, cut: Checkpoint | None, end: int
) -> tuple[int, str] | None:
    """The entry before the first to look at; None: as far back as there is."""
    floor = cut.seq if cut else 0
    if from_seq is None or from_seq == floor + 1:
        return None
    if from_seq <= floor:
        raise InvalidRequest(f"Entries up to {floor} were cut off by retention.", details={"param": "from_seq"})
    if from_seq > end + 1:
        raise InvalidRequest(f"The log ends with entry {end}.", details={"param": "from_seq"})
    before = await repository.entry(session, CHAIN, from_seq - 1)
    if before is None:
        raise InvalidRequest(
            f"Entry {from_seq - 1} is missing, so nothing after it can be checked alone; verify from the beginning.",
            details={"param": "from_seq"},
        )
    return before.entry.seq, before.entry.hash


# ---- signing


async def sign_head(session: WriteSession, signer: Signer) -> Checkpoint | None:
    """Signs where the chain stands; None while it is empty."""
    seq, hash_ = await repository.head(session, lock=True)
    if seq == 0:
        return None
    newest = await repository.newest_checkpoint(session, HEAD)
    if newest is not None and newest.seq == seq and newest.hash == hash_:
        return newest
    checkpoint = signer.sign(HEAD, seq, hash_, now_ms())
    await repository.put(session, checkpoint)
    return checkpoint


async def sign_if_due(settings: Settings, database: Database, signer: Signer) -> bool:
    """As often as the setting says, and only when something was added."""
    async with database.read() as session:
        seq, _ = await repository.head(session)
        newest = await repository.newest_checkpoint(session, HEAD)
    if newest is not None and newest.seq >= seq:
        return False
    if newest is not None and now_ms() - newest.at_ms < settings.audit_sign_every_s * 1000:
        return False
    async with database.write() as session:
        return await sign_head(session, signer) is not None


# ---- removing


async def told_of(database: Database, ids: frozenset[str], email: str | None) -> list[int]:
    """Numbers of the entries that tell of somebody, by any of their ids (of the person, of keys, of sessions) or by
    their e-mail. Reads the whole log, some entries at a time."""
    found: list[int] = []
    reached: int | None = 0
    while reached is not None:
        async with database.read() as session:
            told = await repository.told_of(session, ids, email, reached, BATCH)
        found += told.seqs
        reached = told.reached
    return found


async def entries_at(session: ReadSession, seqs: Sequence[int]) -> list[Stored]:
    return await repository.at(session, seqs)


async def entries_of_person(session: ReadSession, user_id: str) -> list[int]:
    """Numbers of what somebody did and of what was done to their account."""
    return await repository.seqs_of_person(session, user_id)


async def erase_person(session: WriteSession, user_id: str, also: Sequence[int] = ()) -> int:
    """Removes what the log knows of a person beyond ids; returns of how many entries. `also`: further entries that tell
    of them, with what those tell of others."""
    count = await repository.erase(session, repository.of_person(user_id), now_ms())
    for start in range(0, len(also), BATCH):
        condition = repository.with_seqs(also[start : start + BATCH])
        count += await repository.erase(session, condition, now_ms())
    return count


async def cut(session: WriteSession, signer: Signer, before_ms: int) -> Checkpoint | None:
    """Signs that the log begins later from now on; None when nothing is that old. What lies before it is removed by
    `remove_cut`."""
    await repository.head(session, lock=True)
    seq = await repository.seq_before(session, before_ms)
    last = await repository.entry(session, CHAIN, seq)
    if last is None:
        return None
    checkpoint = signer.sign(CUT, seq, last.entry.hash, now_ms())
    await repository.put(session, checkpoint)
    return checkpoint


async def remove_cut(database: Database) -> int:
    removed = 0
    while True:
        async with database.write() as session:
            count = await repository.remove_cut(session, REMOVED_AT_ONCE)
        removed += count
        if count < REMOVED_AT_ONCE:
            return removed


async def keep_retention(settings: Settings, database: Database, signer: Signer) -> None:
    """Does what the settings say of old entries. Safe to repeat, and to be done by several processes."""
    now = now_ms()
    if settings.audit_personal_days:
        old = repository.older_than(now - settings.audit_personal_days * DAY_MS)
        async with database.write() as session:
            count = await repository.erase(session, old, now)
            if count:
                session.audit.append(Draft("audit.erase", now, actor_kind=GATEWAY, object_kind="audit", count=count))
    if settings.audit_retention_days:
        async with database.write() as session:
            made = await cut(session, signer, now - settings.audit_retention_days * DAY_MS)
            if made is not None:
                session.audit.append(
                    Draft("audit.cut", now, actor_kind=GATEWAY, object_kind="audit", object_id=str(made.seq))
                )
        await remove_cut(database)
