"""The journal of passed-through calls: opened before anything goes to the provider, settled before the answer is whole.

Cost: from the usage that the answer carries, at the model's rates; else the flat price of the policy; else unpriced.
"""

from typing import TYPE_CHECKING

import msgspec

from turnpike.contract.events import OpenRecord, Outcome, Served, UsageEvent, UsageSource
from turnpike.contract.snapshot import ModelSpec
from turnpike.errors import UpstreamCut, UpstreamRefused
from turnpike.relay.backend import Backend
from turnpike.relay.gates import release_all
from turnpike.relay.journal import full_error
from turnpike.relay.metrics import Labels
from turnpike.wire.operations import Operation
from turnpike.wire.prices import cost_nanousd
from turnpike.wire.types.usage import Usage

if TYPE_CHECKING:
    from turnpike.relay.passage.call import PassageCall

_encode = msgspec.msgpack.Encoder().encode
NO_MODEL = "passthrough"
"""Stands in the ledger for the model of a call that names none."""
FLAT = "flat"


def open_call(call: "PassageCall") -> None:
    """Raises Unavailable when the journal takes nothing."""
    journal = call.relay.journal
    if journal.fault is not None and journal.refuses_work:
        raise full_error()
    assert call.served is not None
    journal.append(
        _encode(
            OpenRecord(
                event_id=call.event_id,
                attempt=1,
                started_at_ms=call.started_at_ms,
                reserved_nanousd=call.reserved_nanousd,
                request_id=call.request_id,
                trace_id=call.head.trace_id,
                caller=call.entry.caller,
                operation=Operation.PASSTHROUGH,
                dialect=call.api,
                stream=False,
                model_asked=call.model or NO_MODEL,
                served=call.served,
                path=call.label,
                charged=call.charged,
            )
        )
    )
    if journal.fault is not None and journal.refuses_work and journal.withdraw():
        raise full_error()


def served_by(call: "PassageCall", model: ModelSpec | None) -> Served:
    way = call.way
    return Served(
        way.provider.id,
        way.provider.slug,
        model.id if model is not None else "",
        way.credential.id if way.credential is not None else None,
        model.name if model is not None else call.model or NO_MODEL,
        model.upstream_model if model is not None else "",
        call.api,
        model.price_source if model is not None else FLAT if _flat(call) else None,
    )


def settle_call(
    call: "PassageCall", outcome: Outcome, status: int, error_code: str | None = None, reason: str | None = None
) -> None:
    """Once; for a caller who is not known it only counts the request."""
    if call.settled:
        return
    call.settled = call.ended = True
    relay = call.relay
    if call.sent and call.backend is not None:
        _tell(call, call.backend, outcome, status)
    seconds = relay.now() - call.started
    if not call.identified:
        relay.metrics.count_other(call.head.method.decode("latin-1"), "passthrough", status, seconds)
        return
    usage, cost = call.usage, _cost(call, outcome)
    source = UsageSource.REPORTED if usage is not None else _source(cost)
    _count(call, status, seconds, usage, cost)
    relay.journal.append(
        _encode(
            UsageEvent(
                event_id=call.event_id,
                started_at_ms=call.started_at_ms,
                request_id=call.request_id,
                trace_id=call.head.trace_id,
                caller=call.entry.caller,
                operation=Operation.PASSTHROUGH,
                dialect=call.api,
                stream=call.streams,
                model_asked=call.model or NO_MODEL,
                served=call.served,
                status=status,
                outcome=outcome,
                error_code=error_code,
                usage=usage,
                usage_source=source,
                cost_nanousd=cost,
                first_byte_us=int(call.first_byte_s * 1e6),
                total_us=int(seconds * 1e6),
                attempts=1 if call.sent else 0,
                path=call.label,
                charged=call.charged,
                reason=reason,
            )
        )
    )
    release_all(call, usage, cost)


def _tell(call: "PassageCall", backend: Backend, outcome: Outcome, status: int) -> None:
    """The end of the attempt, to what keeps count of the deployment."""
    now = call.relay.now()
    if outcome is Outcome.OK and status < 400:
        if call.first_byte_s:
            backend.heard_stream(call.first_byte_s, now)
        backend.answered(probe=call.probe)
    elif outcome is Outcome.OK:
        backend.ended(UpstreamRefused("The provider refused.", status=status), now, probe=call.probe)
    elif outcome is Outcome.UPSTREAM_ERROR:
        backend.ended(UpstreamCut("The provider failed."), now, probe=call.probe)
    else:
        backend.left(probe=call.probe)


def _source(cost: int | None) -> UsageSource:
    """A flat price is no estimate; without any price it is not known what was used."""
    return UsageSource.UNKNOWN if cost is None else UsageSource.NONE


def _flat(call: "PassageCall") -> int:
    return call.relay.catalog.snapshot.policies.passthrough_call_nanousd


def _cost(call: "PassageCall", outcome: Outcome) -> int | None:
    """None: no price is known."""
    if not call.sent or outcome is Outcome.UPSTREAM_ERROR:
        return 0
    if call.usage is not None and call.rates is not None:
        return cost_nanousd(call.usage, call.rates)
    return _flat(call) or None


def _count(call: "PassageCall", status: int, seconds: float, usage: Usage | None, cost: int | None) -> None:
    metrics = call.relay.metrics
    method, _, path = call.label.partition(" ")
    if call.served is None:
        metrics.count_other(method, path, status, seconds)
        return
    tally = metrics.tally(Labels(method, path, call.served.provider, call.served.model, Operation.PASSTHROUGH))
    if status == 200:
        tally.durations.observe(seconds)
    else:
        tally.statuses[status] += 1
        tally.failed.observe(seconds)
    if usage is not None:
        tally.input_tokens += usage.input_tokens
        tally.output_tokens += usage.output_tokens
    if cost is None:
        tally.unpriced += 1
    else:
        tally.cost_nanousd += cost
