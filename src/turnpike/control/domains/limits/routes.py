"""/api/v1/limits and /api/v1/tiers: as far as the caller's permissions reach."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from turnpike.contract.limits import Resource, Subject
from turnpike.control.db.scoped import check_subject
from turnpike.control.domains.limits import counters, resets, rules, tiers
from turnpike.control.domains.limits.schemas import (
    CounterView,
    LimitBody,
    LimitView,
    ResetBody,
    TierBody,
    TierView,
    view_counter,
    view_limit,
    view_tier,
)
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import NO_CONTROL
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import May, Principal, Services
from turnpike.kit.pagination import parse_sort

Viewer = Annotated[Principal, Depends(May(Permission.VIEW_LIMITS))]
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_LIMITS))]
router = APIRouter(prefix="/api/v1/limits", tags=["limits"])
tier_router = APIRouter(prefix="/api/v1/tiers", tags=["limits"])
Name = Annotated[str | None, Query(max_length=255, pattern=NO_CONTROL)]
TierPath = Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,32}$")]


@router.get("")
async def list_limits(
    actor: Viewer,
    session: Reading,
    page: Paged,
    subject: Subject | None = None,
    name: Name = None,
    resource: Resource | None = None,
    sort: Sort = None,
) -> Envelope[list[LimitView]]:
    """The rules, of everybody or of one subject."""
    wanted = rules.LimitFilter(subject, name, resource)
    rows, total = await rules.find(session, actor.scope, wanted, parse_sort(sort, rules.ORDER, "subject,name"), page)
    return page_of([view_limit(row) for row in rows], page, total)


@router.put("")
async def set_limit(actor: Manager, session: Writing, body: LimitBody) -> Envelope[LimitView]:
    """Sets a rule, at work on every relay within a second. What was used of its window stays used."""
    return ok(view_limit(await rules.put(session, actor.scope, body.model_dump())))


@router.get("/counters", responses={404: {}})
async def read_counters(
    actor: Viewer,
    session: Reading,
    control: Services,
    subject: Subject,
    name: Annotated[str, Query(max_length=255, pattern=NO_CONTROL)] = "",
) -> Envelope[list[CounterView]]:
    """How much of a subject's limits is used at the moment."""
    await check_subject(session, actor.scope, subject, name)
    found = await counters.of(session, control.settings, subject, name)
    return ok([view_counter(each) for each in await counters.read(control.lender.leases, found)])


@router.post("/reset")
async def reset_counters(
    _: Manager, session: Reading, control: Services, body: ResetBody
) -> Envelope[list[CounterView]]:
    """Begins the running windows of a subject anew, on every relay within a second."""
    found = await counters.of(session, control.settings, body.subject, body.name)
    done = await counters.reset(control.lender.leases, found)
    keys = tuple(each.key for each in done)
    control.limits_reset(keys)
    await resets.announce(control.database, keys)
    return ok([view_counter(each) for each in done], f"{len(done)} counters were reset.")


@router.get("/{limit_id}")
async def get_limit(actor: Viewer, session: Reading, limit_id: PathId) -> Envelope[LimitView]:
    return ok(view_limit(await rules.get(session, actor.scope, limit_id.lower())))


@router.delete("/{limit_id}")
async def delete_limit(actor: Manager, session: Writing, limit_id: PathId) -> Envelope[dict[str, Any]]:
    row = await rules.remove(session, actor.scope, limit_id.lower())
    return ok({"id": row.id}, "The limit is gone.")


@tier_router.get("")
async def list_tiers(
    _: Viewer, session: Reading, page: Paged, search: Search = None, sort: Sort = None
) -> Envelope[list[TierView]]:
    """Tiers with their limits."""
    orders = parse_sort(sort, ("name",), "name")
    rows = [row for row in await tiers.find(session) if (search or "").lower() in row.name]
    rows.sort(key=lambda row: row.name, reverse=orders[0].descending)
    shown = rows[page.offset : page.offset + page.per_page]
    limits = await tiers.limits_of(session, [row.name for row in shown])
    return page_of([view_tier(row, limits[row.name]) for row in shown], page, len(rows))


@tier_router.get("/{name}")
async def get_tier(_: Viewer, session: Reading, name: TierPath) -> Envelope[TierView]:
    row = await tiers.get(session, name)
    return ok(view_tier(row, (await tiers.limits_of(session, [name]))[name]))


@tier_router.put("/{name}")
async def set_tier(_: Manager, session: Writing, name: TierPath, body: TierBody | None = None) -> Envelope[TierView]:
    """Makes a tier, or changes its description. Its limits are set at /api/v1/limits."""
    row = await tiers.put(session, name, body.description if body else None)
    return ok(view_tier(row, (await tiers.limits_of(session, [name]))[name]))


@tier_router.delete("/{name}")
async def delete_tier(_: Manager, session: Writing, name: TierPath) -> Envelope[dict[str, Any]]:
    """Takes a tier away, with its limits, unless keys carry it."""
    row = await tiers.remove(session, name)
    return ok({"name": row.name}, f"The tier {row.name} is gone.")
