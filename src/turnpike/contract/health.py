"""What /health says: a relay's own state and control's, as one answer. Pure; the relay asks and serves it."""

from collections.abc import Mapping
from typing import Any

from turnpike.kit.clock import rfc3339, utc_now

OK = "ok"
DEGRADED_PREFIX = "degraded: "
"""Begins the word of a check that is not well and still lets the relay carry model calls."""

HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"


def health_report(own: Mapping[str, str], control: Mapping[str, str] | None, *, version: str) -> dict[str, Any]:
    """The body of GET /health.

    `own`: the relay's checks, name to `ok` or what is wrong; `control`: control's, None when it did not answer.
    Returns `status`, `checks`, `services`, `version`, `timestamp`:

    * `unhealthy`: this relay cannot carry model calls (one of its own checks fails); HTTP status 503.
    * `degraded`: it can, but something is wrong: control is away, or the database, or the ledger is behind.
    * `healthy`: everything is well.
    """
    checks = dict(own)
    for name, word in (control or {}).items():
        checks[f"control_{name}" if name in own else name] = word
    relay_status = _status(own, worst=UNHEALTHY)
    control_status = "unreachable" if control is None else _status(control, worst=DEGRADED)
    if control is None:
        checks["control"] = "no answer"
    status = relay_status
    if status == HEALTHY and control_status != HEALTHY:
        status = DEGRADED
    return {
        "status": status,
        "checks": checks,
        "services": {"relay": relay_status, "control": control_status},
        "version": version,
        "timestamp": rfc3339(utc_now()),
    }


def http_status(report: Mapping[str, Any]) -> int:
    """503 for `unhealthy`, so that a load balancer looks elsewhere; degraded is still at work."""
    return 503 if report["status"] == UNHEALTHY else 200


def _status(checks: Mapping[str, str], *, worst: str) -> str:
    wrong = [word for word in checks.values() if word != OK]
    if not wrong:
        return HEALTHY
    return DEGRADED if all(word.startswith(DEGRADED_PREFIX) for word in wrong) else worst
