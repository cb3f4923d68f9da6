"""The budgets that relays are told of: those of keys and people with their grants, all others with the snapshot."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select

from turnpike.contract.budgets import BudgetSpec
from turnpike.control.db.models import Budget, Department, Provider
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.budgets.truth import active, spec_of
from turnpike.kit.patterns import matches

_AT_ONCE = 400
SHARED = ("department", "credential", "provider", "model", "tag", "gateway")


async def budgets_of(session: ReadSession, subjects: Mapping[str, Iterable[str]]) -> dict[str, list[BudgetSpec]]:
    """`subjects`: ids by kind (key, user, credential). Returns what they have, by `<kind>:<id>`."""
    found: dict[str, list[BudgetSpec]] = {}
    for kind, ids in subjects.items():
        wanted = sorted(set(ids))
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            query = select(Budget).where(
                Budget.kind == kind, Budget.subject.in_(part), Budget.is_active, Budget.deleted_at_ms.is_(None)
            )
            for row in await session.scalars(query.order_by(Budget.id)):
                found.setdefault(f"{kind}:{row.subject}", []).append(spec_of(row, shown(row.kind, "")))
    return found


def shown(kind: str, name: str) -> str:
    """What a refusal calls a budget; a caller is told no more of others than it needs."""
    match kind:
        case "key":
            return "the budget of this API key"
        case "user":
            return "the budget of this API key's user"
        case "gateway":
            return "the budget of the whole gateway"
        case "credential":
            return "the budget of the provider credential that this call would use"
        case _:
            return f"the budget of the {kind} '{name}'"


class SharedBudgets:
    """Of departments, credentials, providers, models, tags and the gateway, for a snapshot."""

    def __init__(self, specs: Sequence[BudgetSpec]) -> None:
        self._specs = specs

    @property
    def for_callers(self) -> tuple[BudgetSpec, ...]:
        return tuple(spec for spec in self._specs if spec.kind in ("department", "tag", "gateway"))

    def of(self, kind: str, subject: str) -> tuple[BudgetSpec, ...]:
        return tuple(spec for spec in self._specs if spec.kind == kind and spec.subject == subject)

    def of_model(self, name: str) -> tuple[BudgetSpec, ...]:
        """By patterns; a name that is a pattern itself is matched letter for letter, its `*` among them."""
        return tuple(spec for spec in self._specs if spec.kind == "model" and matches(spec.subject, name))


async def shared_budgets(session: ReadSession) -> SharedBudgets:
    rows = await active(session, SHARED)
    names: dict[str, str] = {}
    if any(row.kind == "department" for row in rows):
        names.update({row.id: row.name for row in await session.scalars(select(Department))})
    if any(row.kind == "provider" for row in rows):
        names.update({row.id: row.slug for row in await session.scalars(select(Provider))})
    return SharedBudgets([spec_of(row, shown(row.kind, names.get(row.subject, row.subject))) for row in rows])
