"""Which policies hold for a session now: asked anew whenever a snapshot has come."""

from typing import TYPE_CHECKING

from turnpike.relay.gates.guarding import guards_of, rules_of_session

if TYPE_CHECKING:
    from turnpike.relay.catalog import Catalog
    from turnpike.relay.core import Relay
    from turnpike.relay.guards.realtime import RealtimeGuard
    from turnpike.relay.head import RequestHead
    from turnpike.relay.realtime.turns import Turns
    from turnpike.relay.routing.plan import Plan


class Watch:
    """Of one session. Without policies it is a look at two names for each event."""

    def __init__(self, relay: "Relay", head: "RequestHead", plan: "Plan", turns: "Turns", *, request_id: str) -> None:
        self._relay = relay
        self._head = head
        self._plan = plan
        self._turns = turns
        self._request_id = request_id
        self._catalog: Catalog | None = None
        self._guard: RealtimeGuard | None = None
        self._holds = False

    @property
    def guard(self) -> "RealtimeGuard | None":
        """None: no policy holds."""
        if self._relay.catalog is not self._catalog:
            self._renew()
        return self._guard if self._holds else None

    def _renew(self) -> None:
        relay = self._relay
        self._catalog = relay.catalog
        entry = self._turns.entry
        rules = rules_of_session(relay, entry, self._plan)
        guards = guards_of(relay)
        self._holds = rules is not None
        if rules is None or guards is None:
            return
        if self._guard is None:
            self._guard = guards.for_session(
                self._head, entry, rules, model=self._plan.model, request_id=self._request_id
            )
        else:
            self._guard.follow(rules)
