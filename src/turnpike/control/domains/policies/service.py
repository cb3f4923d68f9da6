"""Keeping policies: checked when they are set, so that a relay never meets one that it cannot compile."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Select, or_, select

from turnpike.contract.policies import BoundsSpec, GuardSpec, PolicySpec
from turnpike.control.db.models import GuardPolicy
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains import catalogued
from turnpike.control.domains.listing import Columns, contains, ordered, paged
from turnpike.control.domains.policies.names import check_names
from turnpike.errors import Conflict, InvalidRequest, NotFound
from turnpike.kit.pagination import Order, Page
from turnpike.wire.guards.trial import Trial, Tried, check_guard

ORDER: Columns = {
    "name": GuardPolicy.name,
    "priority": GuardPolicy.priority,
    "created_at": GuardPolicy.created_at_ms,
    "updated_at": GuardPolicy.updated_at_ms,
}
Models = Mapping[str, str]
_APPLIES = ("keys", "users", "departments", "tiers", "models")
_RULES = ("guards", "bounds", "fail_closed", "media")


def enabled_policies() -> Select[GuardPolicy]:
    """In the order in which they hold."""
    return select(GuardPolicy).where(GuardPolicy.enabled).order_by(GuardPolicy.priority, GuardPolicy.name)


def spec_of(row: GuardPolicy) -> PolicySpec:
    values = {"id": row.id, "name": row.name, "priority": row.priority, **row.applies, **row.rules}
    return msgspec.convert(values, PolicySpec)


async def find(
    session: ReadSession, search: str | None, enabled: bool | None, orders: Sequence[Order], page: Page
) -> tuple[Sequence[GuardPolicy], int]:
    query = select(GuardPolicy)
    if search:
        query = query.where(contains(GuardPolicy.name, search))
    if enabled is not None:
        query = query.where(GuardPolicy.enabled == enabled)
    return await paged(session, ordered(query, orders, ORDER, GuardPolicy.id), page)


async def get(session: ReadSession, policy: str) -> GuardPolicy:
    """By id or name. Raises NotFound."""
    query = select(GuardPolicy).where(or_(GuardPolicy.id == policy.lower(), GuardPolicy.name == policy))
    row = (await session.scalars(query)).first()
    if row is None:
        raise NotFound(f"There is no policy {policy!r}.")
    return row


async def create(session: WriteSession, values: dict[str, Any], models: Models) -> GuardPolicy:
    """`models`: spaCy's, as the settings name them. Raises Conflict or InvalidRequest."""
    row = GuardPolicy(**_columns(values, {}, {}))
    return await catalogued.add(session, row, partial(_check, models=models))


async def change(session: WriteSession, policy: str, values: dict[str, Any], models: Models) -> GuardPolicy:
    """Raises NotFound, Conflict or InvalidRequest."""
    row = await get(session, policy)
    columns = _columns(values, row.applies, row.rules)
    return await catalogued.change(session, row, columns, partial(_check, models=models))


async def remove(session: WriteSession, policy: str) -> GuardPolicy:
    """Raises NotFound."""
    return await catalogued.remove(session, await get(session, policy))


def _columns(values: dict[str, Any], applies: dict[str, Any], rules: dict[str, Any]) -> dict[str, Any]:
    """What is given, in the columns that hold it; `applies` and `rules` are what the row has of these so far."""
    given = {name: value for name, value in values.items() if name not in _APPLIES and name not in _RULES}
    applies = {**applies, **{name: values[name] for name in _APPLIES if name in values}}
    given["applies"] = {name: value for name, value in applies.items() if value}
    given["rules"] = {**rules, **{name: values[name] for name in _RULES if name in values}}
    return given


async def _check(session: ReadSession, row: GuardPolicy, models: Models) -> None:
    same = (await session.scalars(select(GuardPolicy).where(GuardPolicy.name == row.name))).first()
    if same is not None and same is not row:
        raise Conflict(f"There is a policy {row.name!r} already.", details={"param": "name", "id": same.id})
    if not row.rules["guards"] and not row.rules["bounds"]:
        raise InvalidRequest("A policy needs a guard, or bounds.", details={"param": "guards"})
    names = [guard["name"] for guard in row.rules["guards"]]
    if len(set(names)) != len(names):
        raise InvalidRequest("Two guards of a policy have the same name.", details={"param": "guards"})
    guards, _ = check_rules(row.rules)
    check_names(guards, models)


def check_rules(rules: dict[str, Any]) -> tuple[tuple[GuardSpec, ...], BoundsSpec | None]:
    """Raises InvalidRequest for what no relay could compile."""
    guards = msgspec.convert(rules["guards"], tuple[GuardSpec, ...])
    for guard in guards:
        check_guard(guard)
    bounds = None if rules["bounds"] is None else msgspec.convert(rules["bounds"], BoundsSpec)
    for name, (least, greatest) in (bounds.ranges if bounds is not None else {}).items():
        if least is not None and greatest is not None and least > greatest:
            raise InvalidRequest(f"bounds: the range of `{name}` is empty.", details={"param": "bounds"})
    return guards, bounds


async def attempt(
    session: ReadSession, policy: str | None, draft: dict[str, Any] | None, dialect: str, side: str
) -> Trial:
    """The policies that are meant, ready to be tried. Raises NotFound or InvalidRequest."""
    if draft is not None:
        return Trial([(draft["name"], *check_rules(draft))], dialect, side)
    rows = [await get(session, policy)] if policy is not None else (await session.scalars(enabled_policies())).all()
    specs = [spec_of(row) for row in rows]
    return Trial([(spec.name, spec.guards, spec.bounds) for spec in specs], dialect, side)


def tried(trial: Trial, text: str | None, request: dict[str, Any] | None) -> Tried:
    if text is not None:
        return trial.text(text)
    assert request is not None
    return trial.request(request, len(msgspec.json.encode(request)))
