"""/api/v1/cache: reading for `models:read`, changing for `admin`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from turnpike.control.db.models import CacheRuleRow
from turnpike.control.domains.caching import service
from turnpike.control.domains.caching.schemas import (
    CacheRuleBody,
    CacheRulePatch,
    CacheRuleView,
    ClearBody,
    ClearedView,
    StatsView,
)
from turnpike.control.infra.answers import Wanted
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, moment, ok, page_of
from turnpike.control.web.fields import NO_CONTROL, UUID
from turnpike.control.web.params import Paged, PathId, Sort
from turnpike.control.web.principal import May, Principal, Reader, Services
from turnpike.kit.money import usd_text
from turnpike.kit.pagination import parse_sort

router = APIRouter(prefix="/api/v1/cache", tags=["cache"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_CACHE))]
Id = Annotated[str | None, Query(pattern=UUID)]


def _view(row: CacheRuleRow) -> CacheRuleView:
    fields: dict[str, Any] = {
        name: getattr(row, name) for name in CacheRuleView.model_fields if not name.endswith("_at")
    }
    return CacheRuleView(**fields, created_at=moment(row.created_at_ms), updated_at=moment(row.updated_at_ms))


@router.get("/rules")
async def list_rules(
    _: Reader,
    session: Reading,
    page: Paged,
    model: Annotated[str | None, Query(max_length=255, pattern=NO_CONTROL, description="The pattern itself.")] = None,
    key_id: Id = None,
    department_id: Id = None,
    sort: Sort = None,
) -> Envelope[list[CacheRuleView]]:
    """Rules of the cache. The most exact one for a caller and a model decides alone."""
    equal = {"model": model, "key_id": key_id, "department_id": department_id}
    rows, total = await service.find(session, equal, parse_sort(sort, service.ORDER, "model"), page)
    return page_of([_view(row) for row in rows], page, total)


@router.post("/rules", status_code=201)
async def create_rule(_: Manager, session: Writing, body: CacheRuleBody) -> Envelope[CacheRuleView]:
    """Begin to keep answers. Without a rule nothing is kept."""
    return ok(_view(await service.create(session, body.model_dump())))


@router.get("/rules/{rule_id}")
async def get_rule(_: Reader, session: Reading, rule_id: PathId) -> Envelope[CacheRuleView]:
    """One rule."""
    return ok(_view(await service.get(session, rule_id.lower())))


@router.patch("/rules/{rule_id}")
async def change_rule(_: Manager, session: Writing, rule_id: PathId, body: CacheRulePatch) -> Envelope[CacheRuleView]:
    """Change a rule. What was kept under it is not given any more."""
    return ok(_view(await service.change(session, rule_id.lower(), body.given())))


@router.delete("/rules/{rule_id}")
async def delete_rule(_: Manager, session: Writing, rule_id: PathId) -> Envelope[dict[str, Any]]:
    """Delete a rule, and with it what was kept under it from sight."""
    row = await service.remove(session, rule_id.lower())
    return ok({"id": row.id}, f"Answers of {row.model} are no longer kept under this rule.")


@router.post("/clear")
async def clear(_: Manager, control: Services, body: ClearBody) -> Envelope[ClearedView]:
    """Clear the cache, or a part of it, on every machine."""
    wanted = Wanted(body.model, body.key_id, body.user_id)
    async with control.database.write() as session:
        row = await service.clear(session, wanted)
    # Relays that have not heard of it yet may still bring answers: those are known to be older by their time.
    return ok(ClearedView(cleared=await control.answers.clear(wanted), at=moment(row.at_ms)))


@router.get("/stats")
async def stats(_: Reader, control: Services) -> Envelope[StatsView]:
    """What the cache holds and did."""
    room = await control.answers.room()
    counts = {"hit": 0, "semantic": 0, "miss": 0, "bypass": 0}
    sums: dict[str, int] = {}
    for sample in control.metrics.merged():
        if sample.name == "turnpike_cache_requests_total":
            counts[sample.labels[0]] = int(sample.value)
        elif sample.name.startswith("turnpike_cache_"):
            sums[sample.name] = int(sample.value)
    given = counts["hit"] + counts["semantic"]
    saved = sums.get("turnpike_cache_saved_nanousd_total", 0)
    return ok(
        StatsView(
            store=control.answers.kind,
            reachable=room is not None,
            entries=room.entries if room else None,
            size_bytes=room.size_bytes if room else None,
            hits=counts["hit"],
            semantic=counts["semantic"],
            misses=counts["miss"],
            bypasses=counts["bypass"],
            late=sums.get("turnpike_cache_late_total", 0),
            hit_rate=given / (given + counts["miss"]) if given + counts["miss"] else None,
            memory_entries=sums.get("turnpike_cache_entries", 0),
            memory_bytes=sums.get("turnpike_cache_bytes", 0),
            saved_nanousd=saved,
            saved_usd=usd_text(saved),
        )
    )
