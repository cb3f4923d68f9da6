"""What one relay knows of a deployment with one credential: told with its counters, for who asks why calls go where
they go."""

from enum import StrEnum

import msgspec


class Rest(StrEnum):
    """Why a relay passes a deployment over at the moment."""

    NONE = ""
    FAILED = "failed"
    """Its breaker is open."""
    PROBED = "probed"
    """Its breaker is half-open: a probe is under way."""
    TOLD = "told"
    """Its provider said when to come again."""
    REFUSED = "refused"
    """It refused the last call for its load or its credential, and did not say when to come again."""
    CHECKED = "checked"
    """Its provider fails its health checks."""


class BackendState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    deployment_id: str
    credential_id: str
    """Empty where there is none."""
    in_flight: int = 0
    limit: int = 0
    """Attempts that it is given at a time."""
    waiting: int = 0
    """Calls that wait for room at it."""
    latency_s: float = 0.0
    heard_ago_s: float = 0.0
    failing: float = 0.0
    rest: Rest = Rest.NONE
    rest_s: float = 0.0
    """How much longer, as far as is known."""
