"""The gate of guards: made for callers to whom a policy applies, and imported with the first policy there is."""

from typing import TYPE_CHECKING

from turnpike.errors import PolicyRefused

if TYPE_CHECKING:
    from turnpike.relay.catalog import Plan
    from turnpike.relay.core import Relay
    from turnpike.relay.endpoints import Route
    from turnpike.relay.gates import Gate
    from turnpike.relay.guards.store import Guards
    from turnpike.relay.keys import Entry


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
        return None  # sessions are refused at their opening, what passes through is looked at there
    guards = guards_of(relay)
    return guards.gate(entry, route, plan) if guards is not None else None


def refuse_unchecked(relay: "Relay", entry: "Entry", plan: "Plan") -> None:
    """For sessions, whose sound no guard can hear. Raises PolicyRefused where a policy that masks or blocks
    fails closed."""
    guards = guards_of(relay)
    rules = guards.rules_for(entry, {plan.model, *(target.served.model for target in plan.targets)}) if guards else None
    source = (rules.closed or rules.closed_answers) if rules is not None else None
    if source is not None:
        raise PolicyRefused(
            f"The policy '{source.policy}' refuses this: its guards cannot look into a realtime session.",
            details={"policy": source.policy, "guard": source.guard, "kind": "unchecked", "where": "prompt"},
        )
