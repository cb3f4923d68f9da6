"""/api/v1/policies: guards and bounds, and what they decided."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query

from turnpike.control.domains.policies import decisions, service
from turnpike.control.domains.policies.decisions import DecisionFilter
from turnpike.control.domains.policies.schemas import (
    DecisionCount,
    DecisionView,
    PolicyBody,
    PolicyPatch,
    PolicyTestBody,
    PolicyTestView,
    PolicyView,
    view_decision,
    view_policy,
)
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import NO_CONTROL, UUID
from turnpike.control.web.params import Paged, Search, Sort
from turnpike.control.web.principal import May, Principal, Services
from turnpike.kit.pagination import parse_sort

router = APIRouter(prefix="/api/v1/policies", tags=["policies"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_POLICIES))]
Viewer = Annotated[Principal, Depends(May(Permission.VIEW_DECISIONS))]
PolicyRef = Annotated[str, Path(max_length=64, pattern=NO_CONTROL, description="The id or the name.")]
_Id = Annotated[str | None, Query(pattern=UUID)]
_BY_DEFAULT: Final[list[decisions.By]] = ["department_id", "policy"]
_Word = Annotated[str | None, Query(max_length=255, pattern=NO_CONTROL)]


@router.get("")
async def list_policies(
    _: Manager, session: Reading, page: Paged, search: Search = None, enabled: bool | None = None, sort: Sort = None
) -> Envelope[list[PolicyView]]:
    """All that there are, switched on or not."""
    rows, total = await service.find(session, search, enabled, parse_sort(sort, service.ORDER, "priority"), page)
    return page_of([view_policy(row) for row in rows], page, total)


@router.post("", status_code=201)
async def create_policy(_: Manager, control: Services, session: Writing, body: PolicyBody) -> Envelope[PolicyView]:
    """In force at all relays within a second."""
    models = control.settings.spacy_models
    return ok(view_policy(await service.create(session, body.model_dump(mode="json"), models)))


@router.post("/test")
async def test_policies(_: Manager, session: Reading, body: PolicyTestBody) -> Envelope[PolicyTestView]:
    """What guards find in a text or a request (kinds and spans, in characters), and what would go on. Nothing of it is
    kept; moderation models are not asked."""
    draft = None if body.draft is None else body.draft.model_dump(mode="json")
    trial = await service.attempt(session, body.policy, draft, body.dialect, body.side)
    found = service.tried(trial, body.text, body.request)
    refused = None if found.refused_by is None else found.refused_by._asdict()
    finds = [each._asdict() for each in found.finds]
    view = {"passes": found.goes_on is not None, "refused_by": refused, "finds": finds}
    return ok(PolicyTestView(**view, goes_on=found.goes_on, not_asked=found.not_asked))


def _wanted(
    policy: _Word = None,
    guard: _Word = None,
    action: Literal["flag", "mask", "restore", "block", "clamp"] | None = None,
    kind: _Word = None,
    key_id: _Id = None,
    user_id: _Id = None,
    department_id: _Id = None,
    request_id: _Word = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> DecisionFilter:
    since_ms, until_ms = (None if at is None else int(at.timestamp() * 1000) for at in (since, until))
    return DecisionFilter(policy, guard, action, kind, key_id, user_id, department_id, request_id, since_ms, until_ms)


Wanted = Annotated[DecisionFilter, Depends(_wanted)]


@router.get("/decisions")
async def list_decisions(
    actor: Viewer, session: Reading, page: Paged, wanted: Wanted, sort: Sort = None
) -> Envelope[list[DecisionView]]:
    """What guards decided, without the text."""
    orders = parse_sort(sort, decisions.ORDER, "-at")
    rows, total = await decisions.decisions(session, actor.scope, wanted, orders, page)
    return page_of([view_decision(row) for row in rows], page, total)


@router.get("/decisions/summary")
async def count_decisions(
    actor: Viewer,
    session: Reading,
    wanted: Wanted,
    by: Annotated[list[decisions.By], Query(min_length=1, max_length=3)] = _BY_DEFAULT,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Envelope[list[DecisionCount]]:
    """How much guards found, by department and policy, or by whatever else: the most first."""
    rows = await decisions.counted(session, actor.scope, wanted, by, limit)
    counted = [
        DecisionCount(by=dict(zip(by, row.values, strict=True)), finds=row.finds, calls=row.calls) for row in rows
    ]
    return ok(counted)


@router.get("/{policy}")
async def get_policy(_: Manager, session: Reading, policy: PolicyRef) -> Envelope[PolicyView]:
    return ok(view_policy(await service.get(session, policy)))


@router.patch("/{policy}")
async def change_policy(
    _: Manager, control: Services, session: Writing, policy: PolicyRef, body: PolicyPatch
) -> Envelope[PolicyView]:
    values = body.model_dump(mode="json", exclude_unset=True)
    return ok(view_policy(await service.change(session, policy, values, control.settings.spacy_models)))


@router.delete("/{policy}")
async def delete_policy(_: Manager, session: Writing, policy: PolicyRef) -> Envelope[dict[str, Any]]:
    row = await service.remove(session, policy)
    return ok({"id": row.id, "name": row.name}, f"The policy {row.name} is gone.")
