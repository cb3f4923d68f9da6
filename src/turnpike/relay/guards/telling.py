"""Decisions told: to the journal, so that no crash loses them, and to the counters. Never the text."""

from typing import TYPE_CHECKING, Any

import msgspec

from turnpike.contract.events import Decision, GuardRecord
from turnpike.errors import PolicyRefused
from turnpike.wire.guards.filter import Finds
from turnpike.wire.guards.rules import Source

if TYPE_CHECKING:
    from turnpike.relay.core import Relay

_encode = msgspec.msgpack.Encoder().encode
_SHOWN_CHARS = 256


class Teller:
    def __init__(self, relay: "Relay") -> None:
        self._relay = relay

    def tell(self, call: Any, finds: Finds, where: str, number: int) -> None:
        """`call` is a call of any lane (turnpike.relay.gates.Governed); `number` as in GuardRecord."""
        if not finds:
            return
        relay = self._relay
        decisions = tuple(
            Decision(source.policy_id, source.policy, source.guard, kind, source.action, where, count)
            for (source, kind), count in finds.items()
        )
        for each in decisions:
            relay.metrics.count_decision(each.policy, each.guard, each.action, each.count)
        operation = str(getattr(getattr(call, "route", None), "operation", "passthrough"))
        at_ms = int(relay.now() * 1000 + relay.wall_offset_ms)
        record = GuardRecord(
            call.event_id,
            number,
            at_ms,
            call.request_id,
            call.entry.caller,
            operation,
            call.model[:_SHOWN_CHARS],
            decisions,
        )
        relay.journal.append(_encode(record))


def refused(source: Source, kind: str, where: str, why: str | None = None) -> PolicyRefused:
    """What the caller is told: which policy and guard, and what kind of thing was found."""
    said = why or f"the {where} holds what its guard '{source.guard}' does not let pass ({kind})"
    return PolicyRefused(
        f"The policy '{source.policy}' refuses this: {said}.",
        details={"policy": source.policy, "guard": source.guard, "kind": kind, "where": where},
    )
