"""What may be asked of the ledger, and by whom. Never writes."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from uuid import UUID

from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.ledger import repository, sums
from turnpike.control.domains.ledger.repository import Row, RowFilter
from turnpike.control.domains.ledger.schemas import OUTCOMES, ListQuestion, RowQuestion, SummaryQuestion
from turnpike.control.domains.ledger.sums import DIMENSIONS, DayFilter
from turnpike.control.web.principal import Principal
from turnpike.errors import InvalidRequest, NotFound
from turnpike.kit.pagination import parse_sort

_SORTED_BY = ("started_at", "cost")


def row_filter(question: RowQuestion) -> RowFilter:
    """A moment in between two milliseconds counts as the later one at both ends, so that ranges that meet neither
    overlap nor leave a gap."""
    named = {field.name for field in fields(RowFilter)}
    values = {name: value for name, value in question.model_dump(by_alias=False).items() if name in named}
    values["outcome"] = None if question.outcome is None else OUTCOMES[question.outcome]
    return RowFilter(since_ms=_millis(question.since), until_ms=_millis(question.until), **values)


def _millis(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    whole, rest = divmod(round(moment.timestamp() * 1_000_000), 1000)
    return whole + (rest > 0)


async def find(session: ReadSession, actor: Principal, question: ListQuestion) -> tuple[Sequence[Row], dict[str, int]]:
    """The page's rows and the sums over all matching ones (`requests` is their number). Raises InvalidRequest."""
    scope, wanted = actor.scope, row_filter(question)
    orders = parse_sort(question.sort, _SORTED_BY, "-started_at")
    total = await sums.sums(session, scope, wanted)
    rows = await repository.rows(session, scope, wanted, orders, question.paged()) if total["requests"] else []
    return rows, total


async def get(session: ReadSession, actor: Principal, event_id: str) -> Row:
    """Raises NotFound, for a row of somebody else too."""
    row = await repository.row(session, actor.scope, UUID(event_id).bytes)
    if row is None:
        raise NotFound(f"There is no row {event_id} in the ledger that this key may see.")
    return row


async def summarize(
    session: ReadSession, actor: Principal, question: SummaryQuestion
) -> tuple[Sequence[Row], int, dict[str, int]]:
    """Groups of the page, how many there are, and the sums over all. Raises InvalidRequest."""
    by = dimensions(question.by)
    wanted = DayFilter(
        since=question.since.isoformat() if question.since else None,
        before=(question.until + timedelta(days=1)).isoformat() if question.until else None,
        equal={name: value for name in repository.TOTALS_TOO if (value := getattr(question, name)) is not None},
    )
    orders = parse_sort(question.sort, (*by, "requests", "cost"), "day" if "day" in by else "-cost")
    scope = actor.scope
    groups, count = await sums.summary(session, scope, wanted, by=by, orders=orders, page=question.paged())
    return groups, count, await sums.summary_sums(session, scope, wanted)


def dimensions(text: str) -> list[str]:
    """`day,model` as a list without repetition. Raises InvalidRequest, naming what may be grouped by."""
    by = list(dict.fromkeys(word.strip() for word in text.split(",")))
    for word in by:
        if word not in DIMENSIONS:
            raise InvalidRequest(
                f"by: {word[:64]!r} is nothing to group by; take some of {', '.join(DIMENSIONS)}",
                details={"param": "by"},
            )
    return by
