"""Routes: making, changing, rolling back. Every change is a version that stays."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from turnpike.control.db.models import Model, ModelAlias, Provider, RouteRow, RouteVersion
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains import catalogued
from turnpike.control.domains.listing import Columns, contains, ordered, paged
from turnpike.control.domains.routes.schemas import MemberBody, RuleBody
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, InvalidRequest, NotFound
from turnpike.kit.pagination import Page, parse_sort
from turnpike.kit.patterns import matches

ORDER: Columns = {"name": RouteRow.name, "created_at": RouteRow.created_at_ms, "updated_at": RouteRow.updated_at_ms}


async def find(
    session: ReadSession, search: str | None, name: str | None, sort: str | None, page: Page
) -> tuple[Sequence[RouteRow], int]:
    query = select(RouteRow)
    if search:
        query = query.where(contains(RouteRow.name, search))
    if name is not None:
        query = query.where(RouteRow.name == name)
    return await paged(session, ordered(query, parse_sort(sort, ORDER, "name"), ORDER, RouteRow.id), page)


async def get(session: ReadSession, route_id: str) -> RouteRow:
    """Raises NotFound."""
    return await catalogued.get(session, RouteRow, route_id, "route")


async def versions(session: ReadSession, route_id: str, page: Page) -> tuple[Sequence[RouteVersion], int]:
    """The newest first; of a route that was deleted as well. Raises NotFound."""
    query = select(RouteVersion).where(RouteVersion.route_id == route_id)
    rows, total = await paged(session, query.order_by(RouteVersion.version.desc()), page)
    if not total:
        raise NotFound(f"There is no route {route_id}.")
    return rows, total


async def create(session: WriteSession, actor: Principal, values: dict[str, Any], note: str | None) -> RouteRow:
    """Raises Conflict or InvalidRequest."""
    row = await catalogued.add(session, RouteRow(version=1, **values), _check)
    _remember(session, actor, row, "created", note)
    return row


async def change(  # noqa: PLR0917 - what, by whom, to what, why, on top of what
    session: WriteSession,
    actor: Principal,
    route_id: str,
    values: dict[str, Any],
    note: str | None,
    expected: int | None,
) -> RouteRow:
    """Raises NotFound, Conflict (another version, a name that is taken) or InvalidRequest."""
    row = await _locked(session, route_id)
    if expected is not None and expected != row.version:
        raise Conflict(
            f"The route is at version {row.version}, not {expected}: somebody changed it meanwhile.",
            details={"param": "version", "version": row.version},
        )
    return await _apply(session, actor, row, values, "changed", note)


async def roll_back(session: WriteSession, actor: Principal, route_id: str, version: int, note: str | None) -> RouteRow:
    """Makes an old version the newest. Raises NotFound, Conflict or InvalidRequest (it names what is no more)."""
    row = await _locked(session, route_id)
    query = select(RouteVersion).where(RouteVersion.route_id == route_id, RouteVersion.version == version)
    old = (await session.scalars(query)).first()
    if old is None:
        raise NotFound(f"The route has no version {version}.", details={"param": "version"})
    values = {name: getattr(old, name) for name in ("name", "description", "is_active", "rules")}
    return await _apply(session, actor, row, values, "rolled_back", note or f"to version {version}")


async def remove(session: WriteSession, actor: Principal, route_id: str) -> RouteRow:
    """Raises NotFound."""
    row = await _locked(session, route_id)
    row.version += 1
    _remember(session, actor, row, "deleted", None)
    return await catalogued.remove(session, row)


async def _locked(session: WriteSession, route_id: str) -> RouteRow:
    row = (await session.scalars(select(RouteRow).where(RouteRow.id == route_id).with_for_update())).first()
    if row is None:
        raise NotFound(f"There is no route {route_id}.")
    return row


async def _apply(  # noqa: PLR0917 - as `change`
    session: WriteSession, actor: Principal, row: RouteRow, values: dict[str, Any], action: str, note: str | None
) -> RouteRow:
    await catalogued.change(session, row, {**values, "version": row.version + 1}, _check)
    _remember(session, actor, row, action, note)
    return row


def _remember(session: WriteSession, actor: Principal, row: RouteRow, action: str, note: str | None) -> None:
    session.add(
        RouteVersion(
            route_id=row.id,
            version=row.version,
            action=action,
            name=row.name,
            description=row.description,
            is_active=row.is_active,
            rules=row.rules,
            note=note,
            made_by=actor.user_id,
            made_by_name=actor.name,
        )
    )


# ---- checks


async def _check(session: ReadSession, row: RouteRow) -> None:
    same = (await session.scalars(select(RouteRow).where(RouteRow.name == row.name))).first()
    if same is not None and same is not row:
        raise Conflict(f"There is a route {row.name!r} already.", details={"param": "name", "id": same.id})
    alias = (await session.scalars(select(ModelAlias.id).where(ModelAlias.name == row.name))).first()
    if alias is not None:
        raise Conflict(f"{row.name!r} is an alias already.", details={"param": "name", "id": alias})
    rules = [RuleBody.model_validate(rule) for rule in row.rules]
    _check_conditions(rules)
    members = [member for rule in rules for member in _members(rule)]
    await _check_deployments(session, {each.deployment for each in members if each.deployment is not None})
    models = {each.model for each in members if each.model is not None}
    await _check_models(session, models | {name for rule in rules for name in rule.fallbacks})


def _members(rule: RuleBody) -> Iterable[MemberBody]:
    for group in rule.groups:
        yield from group
    if rule.rollout is not None:
        yield rule.rollout.to
    if rule.mirror is not None:
        yield rule.mirror.to


def _check_conditions(rules: Sequence[RuleBody]) -> None:
    """A rule behind one that takes everything would never be read."""
    for number, rule in enumerate(rules[:-1], 1):
        if not rule.when.model_dump(exclude_defaults=True):
            raise InvalidRequest(
                f"Rule {number} has no conditions, so the rules behind it would never apply: put it last.",
                details={"param": f"rules.{number - 1}.when"},
            )


async def _check_deployments(session: ReadSession, wanted: set[str]) -> None:
    found = set((await session.scalars(select(Model.id).where(Model.id.in_(wanted)))).all()) if wanted else set()
    missing = sorted(wanted - found)
    if missing:
        raise InvalidRequest(
            f"There is no deployment {', '.join(missing)}.", details={"param": "deployment", "missing": missing}
        )


async def _check_models(session: ReadSession, wanted: set[str]) -> None:
    """Each must be a model's name, an alias, `provider/name`, or covered by a wildcard."""
    bare = {name.partition("/")[2] for name in wanted if "/" in name}
    query = select(Model.name, Provider.slug).join(Provider).where(Model.name.in_(wanted | bare))
    known: set[str] = set()
    for name, slug in (await session.execute(query)).all():
        known |= {name, f"{slug}/{name}"}
    known |= set((await session.scalars(select(ModelAlias.name).where(ModelAlias.name.in_(wanted)))).all())
    missing = sorted(wanted - known)
    if missing:
        patterns = (await session.scalars(select(Model.name).where(Model.name.contains("*")))).all()
        missing = [
            name
            for name in missing
            if not any(matches(pattern, part) for pattern in patterns for part in (name, name.partition("/")[2]))
        ]
    if missing:
        raise InvalidRequest(f"There is no model {', '.join(missing)}.", details={"param": "model", "missing": missing})
