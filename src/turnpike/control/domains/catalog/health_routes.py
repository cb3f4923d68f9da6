"""/api/v1/ai/providers/{provider}/health: what is known of how a provider fares, for administrators."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from turnpike.contract.metrics import Sample
from turnpike.control.domains.catalog.facts import read_config
from turnpike.control.domains.catalog.parts import Parts
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading
from turnpike.control.web.envelope import Envelope, Moment, ok
from turnpike.control.web.fields import View
from turnpike.control.web.params import PathIdOrSlug
from turnpike.control.web.principal import May, Principal, Services
from turnpike.kit.clock import from_ms

router = APIRouter(prefix="/api/v1/ai/providers", tags=["providers"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_PROVIDERS))]
_STATES: tuple[Literal["closed", "half_open", "open"], ...] = ("closed", "half_open", "open")


class DeploymentHealth(View):
    model: str
    breaker: Literal["closed", "half_open", "open"] = Field(description="The worst of all relays.")
    cooldown_s: float = Field(description="What is left of the rest that the provider asked for.")
    in_flight: int = Field(description="Attempts in hand, in all relays.")
    limit: int = Field(description="Attempts that it is given at a time, in all relays.")
    latency_s: float = Field(description="Peak-EWMA of the time to the first byte; the highest of all relays.")
    failing: float = Field(description="Moving share of failures, 0 to 1; the highest of all relays.")


class ProviderHealthView(View):
    provider: str
    interval_s: float | None = Field(description="Seconds between two active checks; null: they are off.")
    healthy: bool | None = Field(description="What the active checks found; null: nothing yet.")
    checked_at: Moment | None
    status: int | None = Field(description="HTTP status of the answer to the last check, if there was one.")
    elapsed_ms: int | None
    failures: int = Field(description="Failed checks in a row.")
    error: str | None
    deployments: list[DeploymentHealth] = Field(
        description="As relays report them every two seconds; those that were used of late."
    )


@router.get("/{provider}/health")
async def provider_health(
    _: Manager, parts: Parts, control: Services, session: Reading, provider: PathIdOrSlug
) -> Envelope[ProviderHealthView]:
    """The last active check (`config.health_check_s`), and breakers, rests, limits, latencies of its deployments."""
    row = await parts.reader.provider(session, provider)
    result = control.provider_health.result(row.id)
    return ok(
        ProviderHealthView(
            provider=row.slug,
            interval_s=read_config(row.config).health_check_s,
            healthy=result.healthy if result is not None else None,
            checked_at=from_ms(result.checked_at_ms) if result is not None else None,
            status=result.status if result is not None else None,
            elapsed_ms=result.elapsed_ms if result is not None else None,
            failures=result.failures if result is not None else 0,
            error=result.error if result is not None else None,
            deployments=_deployments(row.slug, control.metrics.merged()),
        )
    )


def _deployments(slug: str, samples: list[Sample]) -> list[DeploymentHealth]:
    """By model: what relays say of a provider's deployments."""
    found: dict[str, dict[str, float]] = {}
    for sample in samples:
        if len(sample.labels) == 2 and sample.labels[0] == slug and sample.name in _SHOWN:
            found.setdefault(sample.labels[1], {})[_SHOWN[sample.name]] = sample.value
    return [
        DeploymentHealth(
            model=model,
            breaker=_STATES[int(values.get("state", 0))],
            cooldown_s=values.get("cooldown", 0.0),
            in_flight=int(values.get("in_flight", 0)),
            limit=int(values.get("limit", 0)),
            latency_s=values.get("latency", 0.0),
            failing=values.get("failing", 0.0),
        )
        for model, values in sorted(found.items())
    ]


_SHOWN = {
    "turnpike_breaker_state": "state",
    "turnpike_cooldown_seconds": "cooldown",
    "turnpike_backend_in_flight": "in_flight",
    "turnpike_backend_limit": "limit",
    "turnpike_backend_latency_seconds": "latency",
    "turnpike_backend_failing": "failing",
}
