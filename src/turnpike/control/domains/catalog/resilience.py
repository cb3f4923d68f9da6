"""/api/v1/admin/resilience: how the gateway deals with providers that fail and with more calls than it can carry."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field, field_validator
from sqlalchemy import select

from turnpike.contract.routes import Strategy
from turnpike.contract.snapshot import Policies
from turnpike.control.db.models import Policy
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.catalog.snapshot import GATEWAY_POLICY, policies_of
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok
from turnpike.control.web.fields import Body, View
from turnpike.control.web.principal import May, Principal, Services
from turnpike.settings import Settings

router = APIRouter(prefix="/api/v1/admin/resilience", tags=["admin"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_CLUSTER))]


class ResilienceBody(Body):
    """What is named is changed; null takes the default again."""

    max_attempts: int | None = Field(default=None, ge=1, le=20, description="Attempts of one call.")
    total_timeout_s: float | None = Field(
        default=None, gt=0, le=86_400, description="Until the first byte, over all attempts and waits."
    )
    retry_share: float | None = Field(
        default=None, ge=0, le=10, description="Retries, of a model's requests of ten seconds and one relay."
    )
    retry_floor: int | None = Field(default=None, ge=0, le=1_000_000, description="Retries that are always allowed.")
    breaker_failures: int | None = Field(
        default=None, ge=1, le=1_000_000, description="Failures in a row that open it."
    )
    breaker_failure_share: float | None = Field(
        default=None, gt=0, le=1, description="Share of failures of ten seconds that opens it."
    )
    breaker_min_requests: int | None = Field(
        default=None, ge=1, le=1_000_000, description="Requests before a share means anything."
    )
    breaker_open_s: float | None = Field(default=None, gt=0, le=3600, description="How long it is open at first.")
    breaker_probes: int | None = Field(default=None, ge=1, le=100, description="Probes that must go well to close it.")
    cooldown_s: float | None = Field(
        default=None, gt=0, le=300, description="Rest after a 429 that does not say how long."
    )
    hang_timeout_s: float | None = Field(
        default=None,
        ge=0,
        le=3600,
        description="Least wait for a stream's first byte before going elsewhere; 0: never.",
    )
    hang_timeout_whole_s: float | None = Field(
        default=None, gt=0, le=3600, description="The same for answers that come whole."
    )
    adaptive_concurrency: bool | None = Field(default=None, description="Limits follow latency and overload.")
    concurrency_max: int | None = Field(
        default=None, ge=1, le=1_000_000, description="Attempts in hand at one deployment and relay, at most."
    )
    queue_length: int | None = Field(
        default=None, ge=0, le=100_000, description="Calls that wait in one relay, at most."
    )
    queue_wait_s: float | None = Field(default=None, gt=0, le=600, description="How long one waits for room.")
    overload_lag_s: float | None = Field(
        default=None, ge=0, le=60, description="Lateness of a relay's event loop that sheds tiers; 0: none does."
    )
    tier_weights: dict[str, float] | None = Field(
        default=None, max_length=100, description="Shares of the room by tier; the lowest is shed first."
    )
    default_strategy: Strategy | None = Field(
        default=None, description="How a model's deployment is chosen where no route stands for it."
    )

    @field_validator("tier_weights")
    @classmethod
    def _weights(cls, weights: dict[str, float] | None) -> dict[str, float] | None:
        for tier, weight in (weights or {}).items():
            if not 0.001 <= weight <= 1_000_000 or not 1 <= len(tier) <= 64:
                raise ValueError(f"the weight of {tier[:64]!r} must be between 0.001 and 1,000,000")
        if weights is not None and not weights:
            raise ValueError("name at least one tier; null takes the default")
        return weights


class ResilienceView(View):
    max_attempts: int
    total_timeout_s: float
    retry_share: float
    retry_floor: int
    breaker_failures: int
    breaker_failure_share: float
    breaker_min_requests: int
    breaker_open_s: float
    breaker_probes: int
    cooldown_s: float
    hang_timeout_s: float
    hang_timeout_whole_s: float
    adaptive_concurrency: bool
    concurrency_max: int
    queue_length: int
    queue_wait_s: float
    overload_lag_s: float
    tier_weights: dict[str, float]
    default_strategy: Strategy
    changed: list[str] = Field(description="Those that are not at their defaults.")


_NAMES = frozenset(ResilienceBody.model_fields)


@router.get("")
async def show(_: Manager, control: Services, session: Reading) -> Envelope[ResilienceView]:
    return ok(_view(control.settings, await _stored(session)))


@router.patch("")
async def change(_: Manager, control: Services, session: Writing, body: ResilienceBody) -> Envelope[ResilienceView]:
    """In force at all relays within a second."""
    named = body.model_dump(include=body.model_fields_set)
    row = await session.get(Policy, GATEWAY_POLICY)
    value = dict(row.value) if row is not None else {}
    for name, given in named.items():
        if given is None:
            value.pop(name, None)
        else:
            value[name] = given
    await _store(session, row, value)
    return ok(_view(control.settings, value), "In force within a second.")


async def _stored(session: ReadSession) -> dict[str, Any]:
    return (await session.scalars(select(Policy.value).where(Policy.name == GATEWAY_POLICY))).first() or {}


async def _store(session: WriteSession, row: Policy | None, value: dict[str, Any]) -> None:
    if row is None:
        session.add(Policy(name=GATEWAY_POLICY, value=value))
    else:
        row.value = value
    await session.flush()
    session.changes.catalog()


def _view(settings: Settings, stored: dict[str, Any]) -> ResilienceView:
    policies: Policies = policies_of(settings, stored)
    values = {name: value for name, value in msgspec.structs.asdict(policies).items() if name in _NAMES}
    return ResilienceView(**values, changed=sorted(_NAMES & stored.keys()))
