"""The end of every model call: what it used, what it cost, and the journal's record of it.

The record is written before the caller has the whole answer. A usage that the provider did not report is estimated
and marked so; what has no price is recorded as unpriced, never as free.
"""

from bisect import bisect_left
from typing import TYPE_CHECKING

from turnpike.contract.events import Abandoned, Outcome, UsageSource
from turnpike.contract.metrics import DURATION_BUCKETS_S
from turnpike.errors import TurnpikeError
from turnpike.relay.gates import release_all, release_target
from turnpike.relay.journal import full_error
from turnpike.relay.records import Open, Settled, encode
from turnpike.wire.operations import Operation
from turnpike.wire.prices import Unpriced
from turnpike.wire.types.usage import Usage

if TYPE_CHECKING:
    from turnpike.contract.caching import KeptAnswer
    from turnpike.relay.answering import Answering
    from turnpike.relay.attempt import Attempt
    from turnpike.relay.realtime.turns import Turn

_SHOWN_CHARS = 256
"""Of a model's name as the caller wrote it."""
_OK = int(Outcome.OK)
_REPORTED = int(UsageSource.REPORTED)


def open_attempt(call: "Answering | Turn", attempt: "Attempt | Turn") -> None:
    """Writes the open record of the attempt that is about to be sent. Raises Unavailable when the journal takes it not:
    what it does not know must not be sent."""
    route = call.route
    head = call.head
    journal = call.relay.journal
    journal.append(
        encode(
            Open(
                call.event_id, attempt.number, call.started_at_ms, call.reserved_nanousd, call.request_id,
                head.trace_id, call.entry.caller, route.operation, route.dialect_name, call.streams, call.model,
                attempt.target.served_raw, None, call.charged, call.mirror_of,
            )
        )
    )  # fmt: skip
    if journal.fault is not None and journal.refuses_work and journal.withdraw():
        raise full_error()


def settle_answered(call: "Answering", attempt: "Attempt", usage: Usage) -> int | None:
    """Settles a call that was answered with status 200 and a reported usage: the common path. Returns its cost."""
    target = attempt.target
    price = target.cost
    tally = target.tally
    try:
        cost = None if price is None else price(usage)
    except Unpriced:
        cost = None
    if cost is None:
        tally.unpriced += 1
    else:
        if call.abandoned:
            cost += _abandoned_cost(call)
        tally.cost_nanousd += cost
    tally.input_tokens += usage.input_tokens
    tally.output_tokens += usage.output_tokens
    relay = call.relay
    started = call.started
    first_byte_s = attempt.first_byte - started
    # A whole answer comes with its first byte.
    seconds = relay.now() - started if call.streams else first_byte_s
    durations = tally.durations
    durations.counts[bisect_left(DURATION_BUCKETS_S, seconds)] += 1
    durations.total += seconds
    route = call.route
    call.settled = True
    relay.journal.append(
        encode(
            Settled(
                call.event_id, call.started_at_ms, call.request_id, call.head.trace_id, call.entry.caller,
                route.operation, route.dialect_name, call.streams, call.model, target.served_raw, 200, _OK, None,
                usage, _REPORTED, cost, int(first_byte_s * 1e6), int(seconds * 1e6),
                attempt.number, call.abandoned, None, None, call.charged, 0, call.mirror_of, None,
            )
        )
    )  # fmt: skip
    if call.holds or call.target_holds:
        release_all(call, usage, cost)  # type: ignore[arg-type]  # a call; a cast is a call too many
    return cost


def settle(call: "Answering | Turn", outcome: Outcome, status: int, error_code: str | None = None) -> int | None:
    """Settles a call whatever became of it, and returns its cost. The second time, or for a caller who is not known,
    it does nothing."""
    if call.settled or not call.identified:
        return None
    call.settled = True
    relay = call.relay
    attempt = call.attempt
    started = call.started
    seconds = relay.now() - started
    usage: Usage | None = None
    source = UsageSource.NONE
    cost: int | None = 0
    first_byte_us = 0
    if attempt is not None:
        usage, source = usage_of(attempt)
        cost = cost_of(attempt, usage, source)
        if cost is not None:
            cost += _abandoned_cost(call)
        if attempt.first_byte:
            first_byte_us = int((attempt.first_byte - started) * 1e6)
        _count(attempt, usage, cost, status, seconds)
    else:
        relay.metrics.count_other(call.route.method, call.route.label, status, seconds)
    route = call.route
    relay.journal.append(
        encode(
            Settled(
                call.event_id, call.started_at_ms, call.request_id, call.head.trace_id, call.entry.caller,
                route.operation, route.dialect_name, call.streams, call.model[:_SHOWN_CHARS],
                attempt.target.served_raw if attempt is not None else None, status, outcome, error_code, usage,
                source, cost, first_byte_us, int(seconds * 1e6), call.attempts, call.abandoned, call.cache, None,
                call.charged, 0, call.mirror_of, call.reason,
            )
        )
    )  # fmt: skip
    if call.holds or call.target_holds:
        release_all(call, usage, cost)  # type: ignore[arg-type]  # a call; a cast is a call too many
    return cost


def settle_kept(call: "Answering", kept: "KeptAnswer") -> None:
    """Settles a call that is answered with a kept answer: no upstream saw it, and it costs nothing. Its row tells the
    tokens that the answer had, and what it had cost; of limits and budgets it takes nothing but a request."""
    call.settled = True
    relay = call.relay
    seconds = relay.now() - call.started
    saved = kept.cost_nanousd or 0
    relay.metrics.count_other(call.route.method, call.route.label, 200, seconds)
    relay.answers.counts["hit" if call.cache == "exact" else "semantic"] += 1
    relay.answers.saved_nanousd += saved
    microseconds = int(seconds * 1e6)
    route = call.route
    relay.journal.append(
        encode(
            Settled(
                call.event_id, call.started_at_ms, call.request_id, call.head.trace_id, call.entry.caller,
                route.operation, route.dialect_name, call.streams, call.model[:_SHOWN_CHARS], None, 200, _OK, None,
                kept.usage, kept.usage_source if kept.usage is not None else UsageSource.NONE, 0, microseconds,
                microseconds, 0, (), call.cache, None, call.charged, saved, None, None,
            )
        )
    )  # fmt: skip
    if call.holds or call.target_holds:
        release_all(call, None, 0)  # type: ignore[arg-type]  # a call; a cast is a call too many


def usage_of(attempt: "Attempt | Turn") -> tuple[Usage | None, UsageSource]:
    """What an attempt used, and how we know."""
    if attempt.usage is not None:
        return attempt.usage, UsageSource.REPORTED
    if not attempt.worked or attempt.call.route.operation == Operation.COUNT_TOKENS:
        return None, UsageSource.NONE
    return attempt.estimated_usage(), UsageSource.ESTIMATED


def cost_of(attempt: "Attempt | Turn", usage: Usage | None, source: UsageSource) -> int | None:
    """In nano-dollars; None for what has no price."""
    if usage is None:
        return 0 if source is UsageSource.NONE else None
    price = attempt.target.cost
    if price is None:
        return None
    try:
        return price(usage)
    except Unpriced:
        return None


def abandon(attempt: "Attempt", error: TurnpikeError) -> Abandoned:
    """The record of an attempt that is given up, costed as an estimate where its provider may have worked for it."""
    target = attempt.target
    relay = attempt.call.relay
    status = error.status if attempt.first_byte else 0
    shown = str(status) if status else error.code
    relay.metrics.count_abandoned(target.served.provider, shown, relay.now() - attempt.started)
    abandoned = Abandoned(target.served, status, error.code, cost_of(attempt, *usage_of(attempt)))
    # It is accounted for: should the call end without another attempt, it must not be charged for this one again.
    attempt.usage = None
    attempt.worked = False
    if attempt.call.target_holds:
        release_target(attempt.call, None, abandoned.cost_nanousd)
    return abandoned


def _abandoned_cost(call: "Answering | Turn") -> int:
    return sum(each.cost_nanousd or 0 for each in call.abandoned)


def _count(attempt: "Attempt | Turn", usage: Usage | None, cost: int | None, status: int, seconds: float) -> None:
    tally = attempt.target.tally
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
