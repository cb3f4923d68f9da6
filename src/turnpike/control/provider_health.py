"""What control's active checks found of providers, in this process: read by the API, told to this machine's relays."""

from collections.abc import Callable
from dataclasses import dataclass

DOWN_AFTER = 2
"""Failures in a row; one success is enough to be well again."""


@dataclass(frozen=True)
class CheckResult:
    slug: str
    checked_at_ms: int
    fails: bool
    """It does not answer, or says that it is at fault. What is wrong with the request or the credential is no such
    failure."""
    status: int | None
    elapsed_ms: int | None
    error: str | None
    failures: int = 0
    """In a row, this one among them."""

    @property
    def healthy(self) -> bool:
        return self.failures < DOWN_AFTER


class ProviderHealth:
    def __init__(self) -> None:
        self._results: dict[str, CheckResult] = {}
        self._listeners: list[Callable[[frozenset[str]], None]] = []

    def listen(self, listener: Callable[[frozenset[str]], None]) -> None:
        """It is told the slugs of all that are down, whenever that changes."""
        self._listeners.append(listener)

    @property
    def down(self) -> frozenset[str]:
        return frozenset(result.slug for result in self._results.values() if not result.healthy)

    def failing(self) -> dict[str, CheckResult]:
        """What is down, by provider id."""
        return {name: result for name, result in self._results.items() if not result.healthy}

    def result(self, provider_id: str) -> CheckResult | None:
        return self._results.get(provider_id)

    def failures(self, provider_id: str) -> int:
        """In a row, so far."""
        known = self._results.get(provider_id)
        return known.failures if known is not None else 0

    def found(self, provider_id: str, result: CheckResult) -> None:
        before = self.down
        self._results[provider_id] = result
        self._tell(before)

    def keep(self, provider_ids: set[str]) -> None:
        """Forgets all others: they are not checked any longer."""
        before = self.down
        self._results = {name: result for name, result in self._results.items() if name in provider_ids}
        self._tell(before)

    def _tell(self, before: frozenset[str]) -> None:
        down = self.down
        if down != before:
            for listener in self._listeners:
                listener(down)
