"""Queries within a scope: the only way to rows that belong to people or departments.

`OWNERS` says of each such table whose its rows are. `within` is the condition, `select_within` and `get_within` are the
usual queries. A table that is not listed has no scoped queries; a domain's query without a scope on one that is listed
fails tests/architecture/test_scopes.py.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true

from turnpike.control.db.base import Base
from turnpike.control.db.models import (
    ApiKey,
    AuditEntry,
    Budget,
    BudgetAlert,
    Credential,
    Department,
    GuardDecision,
    LedgerRow,
    LedgerTotal,
    Limit,
    ProviderSetting,
    Session,
    User,
)
from turnpike.control.db.sessions import ReadSession
from turnpike.control.rights.policy import AllData, DepartmentData, NoData, OwnData, Scope
from turnpike.errors import NotFound

Row = TypeVar("Row", bound=Base)
Condition = ColumnElement[bool]
Narrow = OwnData | DepartmentData
"""A scope that is not everything and not nothing."""


def _people(scope: Narrow) -> Select[str]:
    """Ids of the people whose data it is."""
    if isinstance(scope, OwnData):
        return select(User.id).where(User.id == scope.user_id)
    return select(User.id).where(or_(User.department_id.in_(scope.department_ids), User.id == scope.user_id))


def of_person(column: Any) -> Callable[[Narrow], Condition]:
    """Rows that belong to a person, and so to the department that the person is in."""

    def condition(scope: Narrow) -> Condition:
        return column == scope.user_id if isinstance(scope, OwnData) else column.in_(_people(scope))

    return condition


def of_person_then(column: Any, department: Any) -> Callable[[Narrow], Condition]:
    """Rows that say themselves which department they belong to: the one that the person was in at that time."""

    def condition(scope: Narrow) -> Condition:
        if isinstance(scope, OwnData):
            return column == scope.user_id
        return or_(department.in_(scope.department_ids), column == scope.user_id)

    return condition


def _of_users(scope: Narrow) -> Condition:
    if isinstance(scope, OwnData):
        return User.id == scope.user_id
    return or_(User.department_id.in_(scope.department_ids), User.id == scope.user_id)


def _of_departments(scope: Narrow) -> Condition:
    if isinstance(scope, DepartmentData):
        return Department.id.in_(scope.department_ids)
    return Department.id.in_(select(User.department_id).where(User.id == scope.user_id))


def of_subject(kind: Any, subject: Any) -> Callable[[Narrow], Condition]:
    """Rows about a key, a person, a personal credential or a department, told by a word and an id."""

    def condition(scope: Narrow) -> Condition:
        people = _people(scope)
        parts: list[Condition] = [
            and_(kind == "user", subject.in_(people)),
            and_(kind == "key", subject.in_(select(ApiKey.id).where(ApiKey.user_id.in_(people)))),
            and_(kind == "credential", subject.in_(select(Credential.id).where(Credential.owner_id.in_(people)))),
        ]
        if isinstance(scope, DepartmentData):
            parts.append(and_(kind == "department", subject.in_(scope.department_ids)))
        return or_(*parts)

    return condition


_of_budgets = of_subject(Budget.kind, Budget.subject)


def _of_alerts(scope: Narrow) -> Condition:
    return BudgetAlert.budget_id.in_(select(Budget.id).where(_of_budgets(scope)))


OWNERS: dict[type[Base], Callable[[Narrow], Condition]] = {
    User: _of_users,
    Department: _of_departments,
    ApiKey: of_person(ApiKey.user_id),
    Session: of_person(Session.user_id),
    ProviderSetting: of_person(ProviderSetting.user_id),
    LedgerRow: of_person_then(LedgerRow.user_id, LedgerRow.department_id),
    LedgerTotal: of_person_then(LedgerTotal.user_id, LedgerTotal.department_id),
    GuardDecision: of_person_then(GuardDecision.user_id, GuardDecision.department_id),
    AuditEntry: of_person_then(AuditEntry.actor_id, AuditEntry.department_id),
    Budget: _of_budgets,
    BudgetAlert: _of_alerts,
    Limit: of_subject(Limit.subject, Limit.name),
}


def within(scope: Scope, model: type[Base]) -> Condition:
    """The condition that a row of `model` lies within the scope."""
    match scope:
        case AllData():
            return true()
        case NoData():
            return false()
        case OwnData() | DepartmentData():
            return OWNERS[model](scope)


def select_within(scope: Scope, model: type[Row]) -> Select[Row]:
    return select(model).where(within(scope, model))


async def get_within(
    session: ReadSession, scope: Scope, model: type[Row], row_id: str, *, lock: bool = False
) -> Row | None:
    """The row of this id, if there is one within the scope. `lock`: nobody else's until the transaction ends."""
    table: Any = model.__table__
    query = select_within(scope, model).where(*(column == row_id for column in table.primary_key.columns))
    return (await session.scalars(query.with_for_update() if lock else query)).first()


SUBJECTS: dict[str, type[Base]] = {"user": User, "key": ApiKey, "department": Department}


async def check_subject(session: ReadSession, scope: Scope, kind: str, subject: str) -> None:
    """For what is asked about a subject that is no row of its own. Raises NotFound where it lies outside of the scope;
    what belongs to nobody takes all data."""
    if isinstance(scope, AllData):
        return
    model = SUBJECTS.get(kind)
    if model is None or await get_within(session, scope, model, subject) is None:
        raise NotFound(f"There is no {kind} {subject!r} that you may see.", details={"param": "name"})
