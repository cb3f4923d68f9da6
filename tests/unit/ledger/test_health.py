"""contract/health.py and the drain's checks: one word for each thing, one status for all."""

import time

import pytest

from turnpike.contract.health import health_report, http_status
from turnpike.control.drain import checks
from turnpike.control.drain.state import DrainState
from turnpike.control.health import HealthChecks

WELL = {"relay": "ok", "journal": "ok", "snapshot": "ok"}


@pytest.mark.parametrize(
    ("own", "control", "status", "http"),
    [
        (WELL, {"database": "ok"}, "healthy", 200),
        (WELL, {}, "healthy", 200),
        (WELL, {"database": "cannot be reached"}, "degraded", 200),
        (WELL, None, "degraded", 200),
        ({**WELL, "journal": "no space left"}, {"database": "ok"}, "unhealthy", 503),
        ({**WELL, "journal": "degraded: kept in memory"}, {"database": "ok"}, "degraded", 200),
        ({**WELL, "relay": "draining"}, None, "unhealthy", 503),
    ],
)
def test_the_worst_of_what_matters_is_the_status(
    own: dict[str, str], control: dict[str, str] | None, status: str, http: int
) -> None:
    report = health_report(own, control, version="1.2.3")
    assert (report["status"], http_status(report)) == (status, http)
    assert report["version"] == "1.2.3"
    assert report["timestamp"].endswith("Z")
    assert set(own) <= set(report["checks"])


def test_both_sides_words_are_shown_under_names_of_their_own() -> None:
    report = health_report(WELL, {"snapshot": "old", "database": "ok"}, version="1")
    assert report["checks"] == {**WELL, "control_snapshot": "old", "database": "ok"}
    assert report["services"] == {"relay": "healthy", "control": "degraded"}


def test_a_silent_control_is_named() -> None:
    report = health_report(WELL, None, version="1")
    assert report["checks"]["control"] == "no answer"
    assert report["services"]["control"] == "unreachable"


def _late(state: DrainState) -> None:
    state.caught_up_at = time.monotonic() - 60


def test_the_ledger_is_well_while_it_keeps_up() -> None:
    health, state = HealthChecks(), DrainState(running=True)
    checks.register(health, lambda: state)
    assert health.report() == {"ledger": "ok", "journals": "ok", "disk": "ok"}
    state.error = "one short fault"
    assert health.report()["ledger"] == "ok"


def test_a_ledger_behind_says_how_far_and_why() -> None:
    state = DrainState(running=True, backlog_bytes=3 * 1024 * 1024, error="ConnectionRefusedError: no")
    _late(state)
    assert checks.ledger_check(state) == "behind by 60 s, 3.0 MiB wait on disk: ConnectionRefusedError: no"


def test_a_drain_that_does_not_run_is_not_well_once_it_had_the_time_to_start() -> None:
    state = DrainState()
    assert checks.ledger_check(state) == "ok"
    _late(state)
    assert "not being drained" in checks.ledger_check(state)


def test_segments_set_aside_and_a_full_disk_ask_for_a_person() -> None:
    state = DrainState(running=True, aside=2, disk_free_bytes=1024 * 1024)
    assert checks.journals_check(state).startswith("2 journal segments")
    assert checks.disk_check(state) == "only 1.0 MiB free where the data folder is"
    state.journal_error = "journal x: Input/output error"
    assert checks.journals_check(state) == "journal x: Input/output error"
