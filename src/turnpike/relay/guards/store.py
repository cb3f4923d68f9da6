"""Which policies hold for whom, compiled once for each set of them."""

from typing import TYPE_CHECKING

import msgspec

from turnpike.contract.policies import PolicySpec
from turnpike.kit.patterns import matches
from turnpike.relay.guards.gate import GuardGate
from turnpike.relay.guards.passage import PassageGuard, guard_passage
from turnpike.relay.guards.realtime import RealtimeGuard
from turnpike.relay.guards.ruleset import Ruleset
from turnpike.relay.guards.telling import Teller

if TYPE_CHECKING:
    from turnpike.relay.core import Relay
    from turnpike.relay.endpoints import Route
    from turnpike.relay.head import RequestHead
    from turnpike.relay.keys import Entry
    from turnpike.relay.passage.call import PassageCall
    from turnpike.relay.routing.plan import Plan

_KEPT_AT_MOST = 1_000


class Guards:
    """All of a relay. Plans, and with them gates, are forgotten with every snapshot; rules only when they change."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self.teller = Teller(relay)
        self._encoded: dict[str, tuple[bytes, Ruleset]] = {}

    def gate(self, entry: "Entry", route: "Route", plan: "Plan") -> GuardGate | None:
        names = {plan.model, *(target.served.model for target in plan.targets)}
        rules = self.rules_for(entry, names)
        return GuardGate(rules, self.teller) if rules is not None else None

    def look_at_passage(self, call: "PassageCall", models: set[str]) -> PassageGuard | None:
        """Raises PolicyRefused. None: no policy applies."""
        rules = self.rules_for(call.entry, models)
        return guard_passage(call, rules, self.teller) if rules is not None else None

    def for_session(
        self, head: "RequestHead", entry: "Entry", rules: Ruleset, *, model: str, request_id: str
    ) -> RealtimeGuard:
        return RealtimeGuard(self._relay, head, entry, rules, self.teller, model=model, request_id=request_id)

    def rules_for(self, entry: "Entry", models: set[str]) -> Ruleset | None:
        """None: no policy applies to this caller and these names of a model. No names: nobody knows which model it will
        be, so a policy for any may apply."""
        if entry.exempt:
            return None
        found = [policy for policy in self._relay.catalog.snapshot.guard_policies if _applies(policy, entry, models)]
        return self._compiled(found) if found else None

    def _compiled(self, policies: list[PolicySpec]) -> Ruleset:
        key = ",".join(policy.id for policy in policies)
        encoded = msgspec.msgpack.encode(policies)
        known = self._encoded.get(key)
        if known is not None and known[0] == encoded:
            return known[1]
        if len(self._encoded) >= _KEPT_AT_MOST:
            self._encoded.clear()
        rules = Ruleset(policies)
        self._encoded[key] = (encoded, rules)
        return rules


def _applies(policy: PolicySpec, entry: "Entry", models: set[str]) -> bool:
    caller = entry.caller
    return (
        (not policy.keys or caller.key_id in policy.keys)
        and (not policy.users or caller.user_id in policy.users)
        and (not policy.departments or caller.department_id in policy.departments)
        and (not policy.tiers or entry.tier in policy.tiers)
        and (
            not policy.models
            or not models
            or any(matches(pattern, name) for pattern in policy.models for name in models)
        )
    )
