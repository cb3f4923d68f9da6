"""The loop's one turn: what the journals hold goes into the ledger, and what is in the ledger leaves the journals.

In this order, so that a crash anywhere only means reading again: read, commit, then delete. The event id is the
ledger's key, so a row that is there already is neither written nor counted a second time.
"""

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from turnpike.contract.events import UsageEvent
from turnpike.contract.journal import ASIDE_SUFFIX
from turnpike.control.drain.charges import Charged, dead, home_of
from turnpike.control.drain.incarnations import Incarnation, is_incarnation
from turnpike.control.drain.rows import Row, interrupted_row, mended, row_of
from turnpike.control.drain.state import DrainState
from turnpike.control.drain.writers import LedgerWriter, Refused, Unreachable

log = structlog.get_logger(__name__)

_HOPELESS = 16
"""When that many rows of a batch are refused and none is taken, the fault is not in the rows."""
_TAKE_BACK_S = 5.0
_WORDS = {
    "torn": "The last record of a dead relay's journal is cut off: a call that was about to be opened or settled.",
    "corrupt": "A journal segment is damaged; it is set aside when everything readable in it is in the ledger.",
    "unreadable": "A journal segment holds what this version cannot read; it is set aside for a later version.",
    "rejected": "The database refuses a row; the segment that it came from is set aside.",
}


class Drain:
    """Not safe for two threads or tasks at once; two processes on one folder only do the same work twice."""

    def __init__(
        self,
        folder: Path,
        writer: LedgerWriter,
        state: DrainState,
        *,
        charge_interrupted: bool,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """`stopping` is asked between batches."""
        self._folder = folder
        self._writer = writer
        self._state = state
        self._charge = charge_interrupted
        self._stopping = stopping
        self._incarnations: dict[str, Incarnation] = {}
        self._ended: set[str] = set()
        self._held: list[tuple[Incarnation, list[UsageEvent]]] = []
        """Read and not committed yet."""
        self._troubles: dict[str, str] = {}
        self._charges: dict[bytes, Charged] = {}
        """Of the rows that are being written."""
        self._take_back_at = 0.0

    async def turn(self) -> int:
        """Drains all that is there now; returns the number of rows put in. Raises Unreachable; call again later."""
        before = self._state.rows
        self._state.journal_error = None
        self._look()
        if self._held or self._decided():
            await self._commit()
        while not self._stopping() and self._read():
            await self._commit()
        if not self._held and not self._stopping():
            for incarnation in self._incarnations.values():
                incarnation.all_committed()
            await self._close_first_passes()
            await self._end_dead()
            await self._take_back()
            self._state.caught_up_at = time.monotonic()
        return self._state.rows - before

    def close(self) -> None:
        for incarnation in self._incarnations.values():
            incarnation.close()

    # ---- reading

    def _look(self) -> None:
        now = time.monotonic()
        for folder in self._folders():
            if folder.name not in self._incarnations:
                self._incarnations[folder.name] = Incarnation(folder, now, self._report)
        for incarnation in list(self._incarnations.values()):
            try:
                incarnation.look(now)
            except FileNotFoundError:
                incarnation.close()
                del self._incarnations[incarnation.name]
            except OSError as error:
                self._trouble(incarnation, error)

    def _folders(self) -> list[Path]:
        try:
            names = sorted(os.listdir(self._folder))
        except FileNotFoundError:
            return []
        folders = (self._folder / name for name in names if name not in self._ended and not name.startswith("."))
        return [folder for folder in folders if folder.name in self._incarnations or is_incarnation(folder)]

    def _read(self) -> bool:
        """Fills the batch from all relays alike; False when nothing is there."""
        room = self._writer.batch_rows
        for incarnation in self._incarnations.values():
            if room <= 0:
                break
            try:
                events = incarnation.read(room)
            except OSError as error:
                self._trouble(incarnation, error)
                continue
            if events:
                self._held.append((incarnation, events))
                room -= len(events)
            if room > 0 and incarnation.first_pass:
                incarnation.reached_end = True
        return bool(self._held or self._decided())

    def _decided(self) -> bool:
        return any(each.decisions or each.refusals for each in self._incarnations.values())

    # ---- writing

    async def _commit(self) -> None:
        for incarnation in self._incarnations.values():
            if incarnation.decisions:
                await self._writer.write_decisions(incarnation.decisions)
                incarnation.decisions = []
            if incarnation.refusals:
                await self._writer.write_refusals(incarnation.name, incarnation.refusals)
                incarnation.refusals = []
        owners = {event.event_id: incarnation for incarnation, events in self._held for event in events}
        rows = {event.event_id: row_of(event) for _, events in self._held for event in events}
        self._charges = {
            event.event_id: Charged(event.charged, incarnation.name)
            for incarnation, events in self._held
            for event in events
            if event.charged
        }
        await self._put(list(rows.values()), owners)
        for incarnation, events in self._held:
            incarnation.settle([event.event_id for event in events])
        released = [incarnation for incarnation, _ in self._held]
        self._held = []
        for incarnation in released:
            incarnation.all_committed()
            self._release(incarnation)

    async def _put(self, rows: Sequence[Row], owners: Mapping[bytes, Incarnation]) -> int:
        """Writes all rows, in as many transactions as the writer wants. Raises Unreachable."""
        written = 0
        refused: dict[bytes, str] = {}
        work = [rows]
        while work:
            part = work.pop()
            size = self._writer.batch_rows
            if len(part) > size:
                work.extend((part[size:], part[:size]))
                continue
            try:
                written += await self._write(part)
            except Refused as error:
                if len(part) > 1:
                    half = len(part) // 2
                    work.extend((part[half:], part[:half]))
                elif (taken := await self._write_mended(part[0])) is not None:
                    written += taken
                else:
                    refused[part[0][0]] = str(error)
                    if len(refused) >= _HOPELESS and not written:
                        raise Unreachable(f"the database refuses every row: {error}") from error
        for event_id, reason in refused.items():
            owners[event_id].reject(event_id)
            log.error("ledger_row_refused", event_id=event_id.hex(), reason=reason)
        return written

    async def _write(self, rows: Sequence[Row]) -> int:
        began = time.monotonic()
        try:
            written = await self._writer.write(rows, self._charges)
        finally:
            self._state.busy_s += time.monotonic() - began
        self._state.rows += written
        self._state.duplicates += len(rows) - written
        self._state.batches += 1
        self._state.error = None
        return written

    async def _write_mended(self, row: Row) -> int | None:
        """None when it is refused all the same."""
        try:
            return await self._write([mended(row)])
        except Refused:
            return None

    # ---- what is left over

    async def _close_first_passes(self) -> None:
        """After a restart: calls opened in segments that are still there and settled in some that are gone have their
        rows, and will never be settled again."""
        for incarnation in self._incarnations.values():
            if incarnation.first_pass and incarnation.reached_end:
                ids = incarnation.open_ids()
                if ids:
                    incarnation.settle(await self._writer.existing(ids))
                    self._release(incarnation)
                incarnation.first_pass = False

    async def _end_dead(self) -> None:
        for incarnation in [each for each in self._incarnations.values() if each.complete]:
            calls = {attempts[0].event_id: attempts for attempts in incarnation.interrupted()}
            rows = [interrupted_row(attempts, charge=self._charge) for attempts in calls.values()]
            if rows:
                last = {event_id: attempts[-1] for event_id, attempts in calls.items()}
                self._charges = {
                    event_id: Charged(record.charged, incarnation.name)
                    for event_id, record in last.items()
                    if record.charged
                }
                written = await self._put(rows, dict.fromkeys(calls, incarnation))
                self._state.interrupted += written
                if written:
                    log.warning("calls_interrupted", incarnation=incarnation.name, calls=written)
            incarnation.settle(calls)
            try:
                incarnation.end()
            except OSError as error:
                self._trouble(incarnation, error)
                continue
            del self._incarnations[incarnation.name]
            self._ended.add(incarnation.name)
            await self._writer.forget_refusals(incarnation.name)
            self._take_back_at = 0.0
            log.info("journal_drained", incarnation=incarnation.name)

    async def _take_back(self) -> None:
        """Money of budgets that was lent to relays whose journals are gone: all that they spent is in the ledger."""
        now = time.monotonic()
        if now < self._take_back_at:
            return
        self._take_back_at = now + _TAKE_BACK_S
        try:
            home = home_of(self._folder)
        except OSError as error:
            self._state.journal_error = f"journal folder: {error.strerror or error}"
            return
        for holder in dead(await self._writer.holders(home), self._folder):
            await self._writer.take_back(holder)
            log.info("lent_money_taken_back", holder=holder)

    def _release(self, incarnation: Incarnation) -> None:
        try:
            incarnation.release()
        except OSError as error:
            self._trouble(incarnation, error)

    # ---- telling

    def measure(self) -> None:
        """Renews the state's figures of what lies on disk."""
        segments = backlog = 0
        for incarnation in self._incarnations.values():
            try:
                segments += len(incarnation.segments)
                backlog += incarnation.backlog_bytes()
            except OSError as error:
                self._trouble(incarnation, error)
        self._state.segments = segments
        self._state.backlog_bytes = backlog
        self._state.aside = sum(1 for _ in self._folder.glob(f"*/*{ASIDE_SUFFIX}"))
        if self._folder.exists():
            self._state.disk_free_bytes = shutil.disk_usage(self._folder).free

    def _report(self, kind: str, path: Path, offset: int) -> None:
        setattr(self._state, kind, getattr(self._state, kind) + 1)
        segment = f"{path.parent.name}/{path.name}"
        log.warning("journal_damaged", kind=kind, segment=segment, offset=offset, meaning=_WORDS[kind])

    def _trouble(self, incarnation: Incarnation, error: OSError) -> None:
        text = f"journal {incarnation.name}: {error.strerror or error}"
        if self._troubles.get(incarnation.name) != text:
            log.error("journal_unusable", incarnation=incarnation.name, reason=str(error))
        self._troubles[incarnation.name] = text
        self._state.journal_error = text
