"""The gates before a passed-through request: the same as before a model call, of its caller and of the provider."""

from typing import TYPE_CHECKING

from turnpike.contract.limits import Resource
from turnpike.relay.catalog import Plan
from turnpike.relay.gates import Gate, gates_of
from turnpike.relay.gates.limits import build_target_limits
from turnpike.relay.limits.estimates import OUTPUT_TOKENS
from turnpike.wire.estimate import tokens_of_bytes
from turnpike.wire.passage.kinds import OPENAI_FILES

if TYPE_CHECKING:
    from turnpike.contract.snapshot import ModelSpec
    from turnpike.relay.passage.call import PassageCall

_PLANS_AT_MOST = 10_000


def gates_before(call: "PassageCall") -> tuple[Gate, ...]:
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
    gates = entry.gates if entry.gated is plan else gates_of(call.relay, entry, call.head.route, plan)
    of_target = build_target_limits(_model_of(call), call.way.provider, call.way.credential)
    return gates if of_target is None else (*gates, of_target)


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
