"""What /health says of the ledger: whether it keeps up, whether journals need a person, whether the disk fills."""

from collections.abc import Callable

from turnpike.control.drain.state import DrainState
from turnpike.control.health import OK, HealthChecks

LATE_S = 10.0
LOW_DISK_BYTES = 256 * 1024 * 1024
_MIB = 1024 * 1024


def register(health: HealthChecks, state: Callable[[], DrainState]) -> None:
    """Adds the checks `ledger`, `journals` and `disk`."""
    health.register("ledger", lambda: ledger_check(state()))
    health.register("journals", lambda: journals_check(state()))
    health.register("disk", lambda: disk_check(state()))


def ledger_check(state: DrainState) -> str:
    """Behind for longer than `LATE_S`, or not drained at all: a drain that starts, or starts again, has that long."""
    late = state.lag_s > LATE_S
    if late and not state.running:
        return "journals are not being drained; the log says why"
    if state.error is not None and (late or state.backlog_bytes):
        return f"behind by {state.lag_s:.0f} s, {_mib(state.backlog_bytes)} wait on disk: {state.error}"
    if late:
        return f"behind by {state.lag_s:.0f} s, {_mib(state.backlog_bytes)} wait on disk"
    return OK


def journals_check(state: DrainState) -> str:
    if state.journal_error is not None:
        return state.journal_error
    if state.aside:
        return f"{state.aside} journal segments are set aside and need a person (docs/operations.md)"
    return OK


def disk_check(state: DrainState) -> str:
    free = state.disk_free_bytes
    if free is None or free >= LOW_DISK_BYTES:
        return OK
    return f"only {_mib(free)} free where the data folder is"


def _mib(count: int) -> str:
    return f"{count / _MIB:.1f} MiB"
