"""The gate of guards: made for callers to whom a policy applies, and imported with the first policy there is."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnpike.relay.core import Relay
    from turnpike.relay.endpoints import Route
    from turnpike.relay.gates import Gate
    from turnpike.relay.guards.ruleset import Ruleset
    from turnpike.relay.guards.store import Guards
    from turnpike.relay.keys import Entry
    from turnpike.relay.routing.plan import Plan


def guards_of(relay: "Relay") -> "Guards | None":
    """None as long as there are no policies."""
    if not relay.catalog.snapshot.guard_policies:
        return None
    if relay.guards is None:
        from turnpike.relay.guards.store import Guards  # noqa: PLC0415 - 20 ms and 5 MiB that most relays never need

        relay.guards = Guards(relay)
    return relay.guards


def build_guards(relay: "Relay", entry: "Entry", route: "Route", plan: "Plan") -> "Gate | None":
    if not route.is_call and route.media is None:
        return None  # sessions and what passes through are looked at there
    guards = guards_of(relay)
    return guards.gate(entry, route, plan) if guards is not None else None


def rules_of_session(relay: "Relay", entry: "Entry", plan: "Plan") -> "Ruleset | None":
    """What holds for a realtime session. None: no policy."""
    guards = guards_of(relay)
    names = {plan.model, *(target.served.model for target in plan.targets)}
    return guards.rules_for(entry, names) if guards is not None else None
