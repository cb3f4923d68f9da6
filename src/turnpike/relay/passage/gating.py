"""The gates before a passed-through request: limits and money of its caller, and of the provider and model it goes to.
Guards look at it between limits and money (turnpike.relay.guards.passage); nothing of it is kept to be given again."""

from typing import TYPE_CHECKING

from turnpike.contract.limits import Resource
from turnpike.relay.gates import Gate, target_gates
from turnpike.relay.gates.limits import LimitsGate, build_limits
from turnpike.relay.limits.estimates import OUTPUT_TOKENS
from turnpike.relay.money.gate import build as build_money
from turnpike.relay.routing.plan import Plan
from turnpike.wire.estimate import tokens_of_bytes
from turnpike.wire.passage.kinds import OPENAI_FILES

if TYPE_CHECKING:
    from turnpike.contract.snapshot import ModelSpec
    from turnpike.relay.passage.call import PassageCall

_PLANS_AT_MOST = 10_000


def limits_of(call: "PassageCall") -> tuple[Gate, ...]:
    """What guards come behind: who is over a limit has nobody asked."""
    return tuple(gate for gate in _own_gates(call) if isinstance(gate, LimitsGate))


def gates_behind_guards(call: "PassageCall") -> tuple[Gate, ...]:
    money = tuple(gate for gate in _own_gates(call) if not isinstance(gate, LimitsGate))
    return money + target_gates(_model_of(call), call.way.provider, call.way.credential)


def _own_gates(call: "PassageCall") -> tuple[Gate, ...]:
    assert call.served is not None
    plans = call.entry.profile.plans
    key = (f"{call.head.route.label} {call.way.provider.slug}", call.served.model)
    plan = plans.get(key)
    if plan is None:
        # Nothing is chosen by it: it stands for the model and keeps the gates of its callers.
        plan = Plan(call.served.model, [], [])
        if len(plans) < _PLANS_AT_MOST:
            plans[key] = plan
    entry = call.entry
    gates = plan.gates.get(entry)
    if gates is None:
        made = (
            build_limits(call.relay, entry, call.head.route, plan),
            build_money(call.relay, entry, call.head.route, None),
        )
        gates = tuple(gate for gate in made if gate is not None)
        if gates:
            call.relay.catalog.remembered.add(entry, plan, gates)
    return gates


def units_of(call: "PassageCall") -> int:
    """A batch counts for its lines, once: when it is made, not when its file is sent."""
    batch = call.batch
    if batch is None or call.asked.place.kind == OPENAI_FILES:
        return 1
    return max(1, batch.lines)


def expected_of(call: "PassageCall", resource: str) -> int:
    """As Governed.expected."""
    if resource != Resource.TOKENS:
        return 1
    tokens = tokens_of_bytes(call.body.size)
    return tokens + OUTPUT_TOKENS * units_of(call) if call.served is not None and call.served.deployment_id else tokens


def _model_of(call: "PassageCall") -> "ModelSpec | None":
    if call.served is None or not call.served.deployment_id:
        return None
    rows = call.relay.catalog.names.rows.get(call.served.model, ())
    return next((row for row in rows if row.id == call.served.deployment_id), None)
