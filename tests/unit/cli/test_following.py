"""`turnpike audit tail --follow` and that of the ledger: however many come between two looks, each is shown once."""

from typing import Any, cast

from turnpike.cli.client import Control, Reply
from turnpike.cli.commands import ledger
from turnpike.cli.commands.audit import newer


class Log:
    """As much of control as is asked, with a log that grows while its pages are read."""

    def __init__(self, entries: int, *, grows: int = 0) -> None:
        self.last = entries
        self._grows = grows

    async def get(self, path: str, *, page: int, per_page: int, **filters: object) -> Reply:
        newest = self.last - (page - 1) * per_page
        rows = [{"seq": seq, "event_id": str(seq)} for seq in range(newest, max(0, newest - per_page), -1)]
        self.last += self._grows
        return Reply(rows)


async def _seen(log: Log, after: int) -> list[int]:
    rows: list[dict[str, Any]] = await newer(cast("Control", log), after, {})
    return [row["seq"] for row in rows]


async def test_more_than_a_page_is_followed_to_where_one_was() -> None:
    assert await _seen(Log(2_345), 1_000) == list(range(1_001, 2_346))
    assert await _seen(Log(1_000), 1_000) == []
    assert await _seen(Log(3), 0) == [1, 2, 3]
    assert await _seen(Log(1_000), 0) == list(range(1, 1_001))


async def test_what_comes_meanwhile_is_neither_lost_nor_shown_twice() -> None:
    log = Log(2_000, grows=40)
    first = await _seen(log, 100)
    assert first == list(range(101, 2_001))
    assert (await _seen(log, first[-1]))[0] == 2_001


async def _calls(log: Log, seen: set[str]) -> tuple[list[int], set[str]]:
    rows, seen = await ledger.newer(cast("Control", log), seen)
    return [row["seq"] for row in rows], seen


async def test_calls_of_before_are_not_taken_for_new_ones() -> None:
    log = Log(3_000)
    newest = {str(number) for number in range(2_501, 3_001)}
    assert await _calls(log, newest) == ([], newest)
    log.last = 4_200
    shown, seen = await _calls(log, newest)
    assert shown == list(range(3_001, 4_201))
    assert (await _calls(log, seen))[0] == []
