"""What may be done with budgets. Amounts are integers of nano-dollars from the edge inwards."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from turnpike.contract.periods import MONTH, ROLLING, TOTAL
from turnpike.control.db.models import Budget, BudgetAlert, BudgetCounter, BudgetSlice, ProviderSetting
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.budgets import repository
from turnpike.control.domains.budgets.repository import BudgetFilter
from turnpike.control.domains.budgets.schemas import DEFAULT_ALERTS, BudgetBody, BudgetPatch, WriteOffBody
from turnpike.control.domains.budgets.truth import Standing, span_of, standings
from turnpike.control.rights.policy import Scope
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, InvalidRequest, NotFound
from turnpike.kit.clock import now_ms
from turnpike.kit.money import NANO_PER_USD, nanousd_from_cents
from turnpike.kit.pagination import Page, parse_sort

HOUR_MS = 3_600_000
MINUTE_MS = 60_000


def nanousd(usd: Decimal) -> int:
    """Exact: no more than nine places are taken."""
    return int(usd * NANO_PER_USD)


# ---- reading


async def find(
    session: ReadSession, scope: Scope, wanted: BudgetFilter, sort: str | None, page: Page
) -> tuple[Sequence[Budget], int]:
    return await repository.budgets(session, scope, wanted, parse_sort(sort, repository.ORDER, "-created_at"), page)


async def get(session: ReadSession, scope: Scope, budget_id: str) -> Budget:
    """Raises NotFound, for what lies outside of the scope too."""
    row = await repository.budget(session, scope, budget_id)
    if row is None:
        raise NotFound(f"There is no budget {budget_id}.")
    return row


async def of_caller(session: ReadSession, actor: Principal) -> list[Budget]:
    """Those that the caller's own calls are charged to, but for models, providers and tags."""
    pairs = (("key", actor.key_id), ("user", actor.user_id), ("department", actor.department_id))
    return await repository.of_subjects(session, [(kind, subject) for kind, subject in pairs if subject is not None])


async def standing(session: ReadSession, row: Budget) -> Standing:
    return (await standings(session, [row], now_ms()))[row.id]


async def shown(session: ReadSession, rows: Sequence[Budget]) -> list[tuple[Budget, str | None, Standing]]:
    """With the names of their subjects, and how they stand now: two questions, however many they are."""
    names = await repository.names_of(session, [(row.kind, row.subject) for row in rows])
    stand = await standings(session, rows, now_ms())
    return [(row, names.get((row.kind, row.subject)), stand[row.id]) for row in rows]


def forecast(row: Budget, spent: int, at_ms: int) -> int | None:
    """What will be spent at the period's end at the pace so far; None where there is no end."""
    if row.period in (TOTAL, ROLLING):
        return None
    start, end = span_of(row).of(at_ms)
    return spent * (end - start) // max(1, at_ms - start)


async def periods(
    session: ReadSession, scope: Scope, budget_id: str, page: Page
) -> tuple[Sequence[BudgetCounter], int]:
    """The newest first. Raises NotFound."""
    await get(session, scope, budget_id)
    return await repository.counters(session, scope, budget_id, page)


async def alerts(
    session: ReadSession, scope: Scope, budget_id: str | None, page: Page
) -> tuple[Sequence[BudgetAlert], int]:
    return await repository.alerts(session, scope, budget_id, page)


# ---- changing


async def create(session: WriteSession, body: BudgetBody) -> Budget:
    """Raises InvalidRequest for a subject that is not there, Conflict where it has a budget of this period."""
    subject = await _subject(session, body.kind, body.subject)
    length_ms = (body.rolling_hours or 0) * HOUR_MS
    for other in await repository.of_subjects(session, [(body.kind, subject)]):
        if (other.period, other.length_ms, other.zone, other.source) == (body.period, length_ms, body.time_zone, None):
            raise Conflict(
                f"There is a budget of this period for it already; change that one: {other.id}",
                details={"budget_id": other.id},
            )
    row = Budget(
        kind=body.kind,
        subject=subject,
        amount_nanousd=nanousd(body.amount_usd),
        period=body.period,
        zone=body.time_zone,
        length_ms=length_ms,
        hard=body.hard,
        alerts=body.alerts,
        flat_nanousd=None if body.flat_usd is None else nanousd(body.flat_usd),
    )
    session.add(row)
    await session.flush()
    _announce(session, row)
    return row


async def _subject(session: ReadSession, kind: str, text: str) -> str:
    if kind in ("model", "tag", "gateway"):
        return text
    found = await repository.provider_id(session, text) if kind == "provider" else text.lower()
    if found is None or not await repository.names_of(session, [(kind, found)]):
        raise InvalidRequest(f"There is no {kind} {text!r}.", details={"param": "subject"})
    return found


async def change(session: WriteSession, scope: Scope, budget_id: str, body: BudgetPatch) -> Budget:
    """Raises NotFound, or Conflict for one that follows a person's own setting."""
    row = await _own(session, scope, budget_id)
    values: dict[str, Any] = body.given()
    if "amount_usd" in values:
        values["amount_nanousd"] = nanousd(values.pop("amount_usd"))
    if "flat_usd" in values:
        flat = values.pop("flat_usd")
        values["flat_nanousd"] = None if flat is None else nanousd(flat)
    for name, value in values.items():
        setattr(row, name, value)
    await session.flush()
    _announce(session, row)
    return row


async def delete(session: WriteSession, scope: Scope, budget_id: str) -> Budget:
    """What it has counted stays. Raises NotFound or Conflict."""
    row = await _own(session, scope, budget_id)
    await _end(session, row)
    return row


async def _own(session: WriteSession, scope: Scope, budget_id: str) -> Budget:
    row = await get(session, scope, budget_id)
    if row.source is not None:
        raise Conflict("This budget follows the monthly limit of a person's own setting at a provider: change that.")
    return row


async def _end(session: WriteSession, row: Budget) -> None:
    row.deleted_at_ms = now_ms()
    await session.flush()
    _announce(session, row)


def _announce(session: WriteSession, row: Budget) -> None:
    """Relays hear of it within a second."""
    if row.kind == "key":
        session.changes.keys([row.subject])
    elif row.kind == "user":
        session.changes.users([row.subject])
    else:
        session.changes.catalog()


async def follow_monthly_limit(session: WriteSession, setting: ProviderSetting) -> None:
    """A person's own limit for their own credential at a provider, as a budget of it; whoever calls this announces the
    person's grants."""
    source = f"setting:{setting.id}"
    row = await repository.following(session, source)
    cents = setting.monthly_limit_cents if setting.is_active else None
    if row is not None and (cents is None or row.subject != setting.credential_id):
        row.deleted_at_ms = now_ms()
        row = None
    if cents is not None and setting.credential_id is not None:
        if row is None:
            row = Budget(
                kind="credential", subject=setting.credential_id, period=MONTH, zone="UTC", length_ms=0, hard=True,
                alerts=DEFAULT_ALERTS, source=source, amount_nanousd=0,
            )  # fmt: skip
            session.add(row)
        row.amount_nanousd = nanousd_from_cents(cents)
    await session.flush()


# ---- what is lent


async def slices(session: ReadSession, row: Budget) -> Sequence[BudgetSlice]:
    return await repository.slices(session, row.id)


async def write_off(
    session: WriteSession, scope: Scope, budget_id: str, body: WriteOffBody, is_here: Callable[[BudgetSlice], bool]
) -> tuple[list[str], int]:
    """What was lent to a machine that is gone is no longer taken for spent. Returns the holders and the sum.

    Raises NotFound, or Conflict for a relay of this machine, whose journal tells what it spent.
    """
    row = await get(session, scope, budget_id)
    holders: list[str] = []
    total = 0
    oldest = now_ms() - body.unseen_minutes * MINUTE_MS
    for lent in await repository.slices(session, row.id):
        if body.holder is None and (lent.seen_at_ms > oldest or not lent.home or is_here(lent)):
            continue
        if body.holder is not None and lent.holder != body.holder:
            continue
        if is_here(lent):
            raise Conflict("That relay belongs to this machine: what it did not spend is taken back once it has ended.")
        total += lent.granted_nanousd - lent.settled_nanousd
        holders.append(lent.holder)
        await repository.forget_slice(session, lent)
    if body.holder is not None and not holders:
        raise NotFound(f"Nothing of this budget is lent to {body.holder[:80]!r}.")
    return holders, total
