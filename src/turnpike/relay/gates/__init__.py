"""What a call passes between being admitted and being sent, and what is told when it is over.

A gate is made for a caller's key and a plan once, and entered by each of their calls. Which gates there are follows
from limits, policies and budgets; a caller without any has none, and its calls pay nothing. Gates of a target (its
provider's limits, say) are entered once it is chosen, and when one refuses another target is tried.

What a gate takes for a call it leaves with it as a `Hold`, which is told exactly once what the call used and cost.
"""

from typing import TYPE_CHECKING, Protocol

from turnpike.relay.gates.guarding import build_guards
from turnpike.relay.gates.limits import build_limits, build_target_limits
from turnpike.relay.money.gate import build as _money
from turnpike.relay.money.gate import build_target as _money_of_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from turnpike.contract.snapshot import CredentialSpec, ModelSpec, ProviderSpec
    from turnpike.errors import TurnpikeError
    from turnpike.relay.caller_end import CallerEnd
    from turnpike.relay.core import Relay
    from turnpike.relay.endpoints import Route
    from turnpike.relay.head import RequestHead
    from turnpike.relay.keys import Entry
    from turnpike.relay.routing.plan import Plan
    from turnpike.wire.types.usage import Usage


class Governed(Protocol):
    """A call of any lane, as gates see it."""

    relay: "Relay"
    entry: "Entry"
    connection: "CallerEnd"
    head: "RequestHead"
    model: str
    """As the caller wrote it."""
    streams: bool
    started: float
    """Monotonic seconds."""
    started_at_ms: int
    event_id: bytes
    request_id: str
    ended: bool
    settled: bool
    holds: "tuple[Hold, ...]"
    target_holds: "tuple[Hold, ...]"
    """Of the target in hand: let go of when another is tried."""
    moved: bool
    """Its reservations went over to what it made, whose cost comes later."""
    reserved_nanousd: int
    charged: tuple[str, ...]
    """Ids of the budget counters that this call's cost is to be added to."""
    extra_headers: bytes
    """Whole lines for the head of the answer, whatever it is."""
    units: int
    """How many requests it counts for: the lines of a batch, else one."""

    def expected(self, resource: str) -> int:
        """How much of a resource (turnpike.contract.limits) it is expected to use."""
        ...

    def go_on(self) -> None:
        """The gate that held the call lets it pass."""
        ...

    def refuse(self, error: "TurnpikeError") -> None:
        """The gate that held the call refuses it."""
        ...


class Hold(Protocol):
    """What a call has taken of something."""

    def release(self, call: Governed, usage: "Usage | None", cost_nanousd: int | None) -> None:
        """The call is over. `usage` None: nothing was used, or nobody knows; `cost_nanousd` None: it has no price."""
        ...


class Gate(Protocol):
    def enter(self, call: Governed, /) -> bool:
        """True: the call goes on. False: it waits, until the gate calls its `go_on` or `refuse` (a call whose
        `ended` is set has gone, and is told nothing). Raises the RequestError to answer with."""
        ...


if TYPE_CHECKING:
    Builder = Callable[[Relay, Entry, Route, Plan], Gate | None]
    TargetBuilder = Callable[[ModelSpec | None, ProviderSpec, CredentialSpec | None], Gate | None]


def _caching(relay: "Relay", entry: "Entry", route: "Route", plan: "Plan") -> Gate | None:
    """A gate of turnpike.relay.gates.caching."""
    return relay.caching_gate(relay, entry, route, plan)


BUILDERS: "tuple[Builder, ...]" = (build_limits, build_guards, _caching, _money)
"""In the order of passing: limits, guards, cache, money, the queue."""
TARGET_BUILDERS: "tuple[TargetBuilder, ...]" = (build_target_limits, _money_of_target)


_FREE_AT_MOST = 10_000
"""Callers without gates that a plan remembers."""


def gates_of(relay: "Relay", entry: "Entry", route: "Route", plan: "Plan") -> tuple[Gate, ...]:
    """The gates between this caller and this plan, from memory after the first time."""
    gates = plan.gates.get(entry)
    if gates is None:
        made = (build(relay, entry, route, plan) for build in BUILDERS)
        gates = tuple(gate for gate in made if gate is not None)
        if entry.is_inner:
            return gates
        if gates:
            relay.catalog.remembered.add(entry, plan, gates)
        elif len(plan.gates) < _FREE_AT_MOST:
            plan.gates[entry] = gates
    entry.gated, entry.gates = plan, gates
    return gates


def target_gates(
    model: "ModelSpec | None", provider: "ProviderSpec", credential: "CredentialSpec | None"
) -> tuple[Gate, ...]:
    made = (build(model, provider, credential) for build in TARGET_BUILDERS)
    return tuple(gate for gate in made if gate is not None)


def release_all(call: Governed, usage: "Usage | None", cost_nanousd: int | None) -> None:
    """Lets go of everything that a call holds."""
    holds = call.holds + call.target_holds
    call.holds = call.target_holds = ()
    for hold in holds:
        hold.release(call, usage, cost_nanousd)


def release_target(call: Governed, usage: "Usage | None", cost_nanousd: int | None) -> None:
    """Lets go of what a call holds at a target that it leaves."""
    holds, call.target_holds = call.target_holds, ()
    for hold in holds:
        hold.release(call, usage, cost_nanousd)
