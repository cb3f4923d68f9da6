"""How control is: one word for each thing it depends on. Checks are asked for often and answer from what is known."""

from collections.abc import Callable

OK = "ok"
Check = Callable[[], str]
"""`ok`, or what is wrong; from memory, never by asking the dependency."""


class HealthChecks:
    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def register(self, name: str, check: Check) -> None:
        self._checks[name] = check

    def report(self) -> dict[str, str]:
        return {name: check() for name, check in self._checks.items()}


def status_of(report: dict[str, str]) -> str:
    """`healthy`, or `degraded`: control itself answers, so it is never worse than that."""
    return "healthy" if all(word == OK for word in report.values()) else "degraded"
