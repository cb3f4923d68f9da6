"""/api/v1/security/networks: which networks may reach the gateway at all."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, Field

from turnpike.control.db.models import NetworkRule
from turnpike.control.domains.security import service
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.audit import address_of
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, Moment, moment, moment_or_none, ok, page_of
from turnpike.control.web.fields import Body, NetworkText, Text, View
from turnpike.control.web.params import Paged, PathId, Sort
from turnpike.control.web.principal import May, Principal

router = APIRouter(prefix="/api/v1/security/networks", tags=["security"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_NETWORKS))]
Verdict = Literal["allow", "deny"]
Sure = Annotated[bool, Query(description="Go on even if the caller's own address is kept out by it.")]


class NetworkRuleBody(Body):
    network: NetworkText = Field(description="CIDR, or a single address: `203.0.113.0/24`, `2001:db8::7`.")
    verdict: Verdict
    note: Text | None = Field(default=None, max_length=200)
    expires_at: AwareDatetime | None = Field(default=None, description="When the rule ends by itself; null: never.")


class NetworkRuleView(View):
    id: str
    network: str
    verdict: str
    note: str | None
    expires_at: Moment | None
    created_at: Moment


def _view(row: NetworkRule) -> NetworkRuleView:
    return NetworkRuleView(
        id=row.id,
        network=row.network,
        verdict=row.verdict,
        note=row.note,
        expires_at=moment_or_none(row.expires_at_ms),
        created_at=moment(row.created_at_ms),
    )


def _address(actor: Principal, request: Request) -> str | None:
    """The operator comes in by a door that no rule closes."""
    return None if actor.is_operator else address_of(request)


@router.get("")
async def list_rules(
    _: Manager, session: Reading, page: Paged, verdict: Verdict | None = None, sort: Sort = None
) -> Envelope[list[NetworkRuleView]]:
    rows, total = await service.find(session, verdict, sort, page)
    return page_of([_view(row) for row in rows], page, total)


@router.post("", status_code=201)
async def create_rule(
    actor: Manager, session: Writing, request: Request, body: NetworkRuleBody, even_if_locked_out: Sure = False
) -> Envelope[NetworkRuleView]:
    """What is denied stays denied, whatever is allowed; where any network is allowed, only those come in."""
    values = body.model_dump(exclude={"expires_at"})
    values["expires_at_ms"] = None if body.expires_at is None else int(body.expires_at.timestamp() * 1000)
    row = await service.add(session, values, _address(actor, request), even_if_locked_out=even_if_locked_out)
    return ok(_view(row))


@router.get("/{rule_id}")
async def get_rule(_: Manager, session: Reading, rule_id: PathId) -> Envelope[NetworkRuleView]:
    return ok(_view(await service.get(session, rule_id.lower())))


@router.delete("/{rule_id}")
async def delete_rule(
    actor: Manager, session: Writing, request: Request, rule_id: PathId, even_if_locked_out: Sure = False
) -> Envelope[NetworkRuleView]:
    own = _address(actor, request)
    row = await service.remove(session, rule_id.lower(), own, even_if_locked_out=even_if_locked_out)
    return ok(_view(row), "The rule is removed.")
