"""What one relay measured of deployments: which of them it passes over, and what measured strategies go by."""

from collections.abc import Iterable

from turnpike.contract.backends import BackendState, Rest
from turnpike.contract.routes import Strategy
from turnpike.contract.routing.measuring import figure
from turnpike.contract.routing.planning import Candidate
from turnpike.control.domains.routes.schemas import MeasuredView

_SAID = {
    Rest.FAILED: "its breaker is open",
    Rest.PROBED: "its breaker is half-open, and a probe is under way",
    Rest.TOLD: "its provider wants no requests",
    Rest.REFUSED: "it refused the last call, for its load or its credential",
    Rest.CHECKED: "its provider fails its health checks",
}


class RelayView:
    """Of one relay."""

    def __init__(self, relay: int | None, states: Iterable[BackendState]) -> None:
        """`relay` None: none is connected here, and nothing is measured."""
        self.relay = relay
        self._states = {(each.deployment_id, each.credential_id): each for each in states}

    def _of(self, candidate: Candidate) -> list[BackendState]:
        """One for each of its credentials."""
        ids = [each.id if each is not None else "" for each in candidate.credentials]
        return [self._states.get((candidate.row.id, each)) or BackendState(candidate.row.id, each) for each in ids]

    def figure(self, strategy: Strategy, candidate: Candidate) -> float:
        """The best of its credentials that do not rest."""
        found = self._of(candidate)
        open_ones = [each for each in found if not each.rest] or found
        return min(figure(strategy, max(1, candidate.weight), each) for each in open_ones)

    def rests(self, candidate: Candidate) -> str | None:
        """Why all of it is passed over, for people; None when it is not."""
        found = self._of(candidate)
        if not found or not all(each.rest for each in found):
            return None
        first = min(found, key=lambda each: each.rest_s)
        left = f" for another {first.rest_s:g} s" if first.rest_s else ""
        return _SAID[first.rest] + left

    def view(self, candidate: Candidate) -> MeasuredView | None:
        """Of all its credentials together; None: it was not asked of late."""
        ids = [each.id if each is not None else "" for each in candidate.credentials]
        found = [state for each in ids if (state := self._states.get((candidate.row.id, each))) is not None]
        if not found:
            return None
        return MeasuredView(
            in_flight=sum(each.in_flight for each in found),
            limit=sum(each.limit for each in found),
            waiting=max(each.waiting for each in found),
            latency_s=max(each.latency_s for each in found),
            failing=max(each.failing for each in found),
        )
