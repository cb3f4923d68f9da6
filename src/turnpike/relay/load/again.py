"""Which failures are worth another attempt, how long to wait before it, and what is said when all deployments rest."""

from random import random
from typing import TYPE_CHECKING

from turnpike.errors import RateLimited, TurnpikeError, Unavailable, UpstreamRefused, UpstreamTimeout

if TYPE_CHECKING:
    from turnpike.relay.attempt import Attempt
    from turnpike.relay.routing.plan import Plan
    from turnpike.relay.target import Target

ELSEWHERE = frozenset((401, 402, 403, 404, 408, 409, 425, 429))
"""Client errors that another deployment may not have: its credential, its models, its load. All 5xx besides."""
_HERE = frozenset((408, 409, 425, 429))
WAIT_AT_MOST_S = 5.0
"""The longest Retry-After that is waited for on the caller's behalf."""
_BACK_OFF_S = 0.1


def worth_retrying(error: TurnpikeError, *, elsewhere: bool) -> bool:
    """`elsewhere`: there is another deployment; else the attempt would be made at the same one."""
    if isinstance(error, UpstreamRefused):
        if elsewhere:
            return error.status >= 500 or error.status in ELSEWHERE
        here = error.status >= 500 or error.status in _HERE
        return here and (error.retry_after_s or 0.0) <= WAIT_AT_MOST_S
    if isinstance(error, UpstreamTimeout):
        # A second generation of the length that timed out here would only double the wait and the cost.
        return elsewhere
    return error.retryable


def back_to(tried: "tuple[Target, ...]", attempt: "Attempt", now: float) -> "Target | None":
    """A deployment that had failed the call, and has answered somebody since this attempt, which hangs, began."""
    for target in tried:
        healthy = target.gauge.seen > attempt.started and not target.breaker.tripped
        if healthy and target is not attempt.target and target.breaker.may_pass(now):
            return target
    return None


def back_off_s(attempt: int, told_s: float) -> float:
    """Before the attempt after this one, at the same deployment. The jitter comes on top of what the provider told:
    those who were told the same time must not all come back at once."""
    return told_s + _BACK_OFF_S * 2.0 ** (attempt - 1) * (0.5 + random())  # noqa: S311 - jitter, no secret


def rest_of(plan: "Plan", now: float) -> tuple[float, TurnpikeError]:
    """How long it is until a deployment may be asked, and what a caller is told who does not wait so long. The time is
    infinite where there is nothing to wait for: deployments failed, and may fail again."""
    rest_s = plan.rests_for_s(now)
    seconds = max(1, round(rest_s))
    if any(target.breaker.cools_for_s(now) for target in plan.targets):
        said = f"The provider of '{plan.model}' wants no requests for another {seconds} s."
        return rest_s, RateLimited(said, details={"model": plan.model}, retry_after_s=seconds)
    said = f"Every deployment of '{plan.model}' failed repeatedly and rests for another {seconds} s."
    return float("inf"), Unavailable(said, details={"model": plan.model}, retry_after_s=seconds)
