"""The gate of rates and of calls at once, of a caller and of a target.

On the common path it looks at numbers that this relay holds, takes from them, and adds the lines that tell the caller.
What is not there is waited for (turnpike.relay.limits.waits).
"""

from typing import TYPE_CHECKING, Protocol, cast

from turnpike.contract.limits import Resource, Subject
from turnpike.relay.limits import words
from turnpike.relay.limits.estimates import BOUNDED, concerns, used
from turnpike.relay.limits.meters import Seats
from turnpike.wire.bounds import Bound
from turnpike.wire.operations import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from turnpike.contract.limits import LimitRule
    from turnpike.contract.snapshot import CredentialSpec, ModelSpec, ProviderSpec
    from turnpike.relay.core import Relay
    from turnpike.relay.endpoints import Route
    from turnpike.relay.gates import Governed
    from turnpike.relay.keys import Entry
    from turnpike.relay.limits import Desk, Meter
    from turnpike.relay.limits.waits import Needs
    from turnpike.relay.routing.plan import Plan
    from turnpike.wire.types.usage import Usage

    Faces = list[list[tuple[Meter, words.Face]]]

_WHOLE = (Resource.REQUESTS, Resource.CONCURRENCY)
_SHOWN = (Resource.REQUESTS, Resource.TOKENS)


class Bounded(Protocol):
    """What the gate asks of calls of the operations in BOUNDED besides being governed."""

    def bound_tokens(self, bounds: tuple[Bound, ...], /) -> int | None:
        """The most tokens that the call can use at any of these deployments; None: not to be known."""
        ...


def _is_bounded(rule: "LimitRule") -> bool:
    return rule.resource == Resource.TOKENS and not rule.estimate


class _Held:
    """What a call has taken that is settled when it ends."""

    __slots__ = ("_desk", "_seats", "_sums")

    def __init__(self, desk: "Desk", sums: "Iterable[tuple[Meter, int]]", seats: tuple[Seats, ...]) -> None:
        self._desk = desk
        self._sums: list[tuple[Meter, int, int]] = []
        """With the count that each was taken of."""
        self._seats = seats
        for meter, amount in sums:
            meter.pending += amount
            self._sums.append((meter, amount, meter.count))

    def release(self, call: "Governed", usage: "Usage | None", cost_nanousd: int | None) -> None:
        desk = self._desk
        for seats in self._seats:
            seats.least = min(seats.least, seats.left)
            seats.left += 1
            if seats.waits:
                desk.freed(seats)
        for meter, amount, count in self._sums:
            is_running = meter.count == count
            if is_running:
                meter.pending -= amount
            if usage is not None:
                over = used(usage, meter.rule.resource) - amount
            elif cost_nanousd == 0:
                over = -amount
            else:
                continue
            if over < 0 and not is_running:
                continue
            meter.left -= over
            if meter.left < 0:
                desk.want(meter)
            elif meter.waits:
                desk.freed(meter)


class LimitsGate:
    """Meters of requests and seats take one for each call; those of sums as much as the call is expected to use."""

    __slots__ = (
        "_addresses", "_anthropic", "_bounds", "_desk", "_faces", "_grips", "_now", "_of_target", "_ones", "_policy",
        "_seats", "_sums", "_windows",
    )  # fmt: skip

    def __init__(
        self,
        desk: "Desk",
        meters: "Iterable[Meter]",
        bounds: "Iterable[Bound]",
        *,
        addresses: bool,
        anthropic: bool,
        of_target: bool,
    ) -> None:
        """`addresses`: there are rules for addresses, too. `bounds`: of the deployments; none where the operation has
        no bound of tokens."""
        meters = tuple(meters)
        self._desk = desk
        self._grips = tuple(desk.grip(meter) for meter in meters)
        self._now = desk.now
        self._ones = tuple(meter for meter in meters if meter.rule.resource in _WHOLE)
        self._seats = tuple(meter for meter in meters if isinstance(meter, Seats))
        summed = (meter for meter in meters if meter.rule.resource not in _WHOLE)
        self._sums = tuple((meter, _is_bounded(meter.rule)) for meter in summed)
        counted = addresses or any(is_bounded for _, is_bounded in self._sums)
        self._bounds = tuple({bound.counts_as: bound for bound in bounds}.values()) if counted else ()
        self._windows = () if of_target else tuple(meter for meter in meters if not meter.is_seats)
        self._addresses = addresses
        self._anthropic = anthropic
        self._of_target = of_target
        self._policy = words.policy_line(self._windows)
        self._faces = self._faces_of(self._windows)

    def enter(self, call: "Governed", /) -> bool:
        if self._addresses or call.units != 1:
            return self._enter_any(call)
        now = self._now()
        for meter in self._ones:
            if meter.left <= meter.low or now >= meter.until:
                return self._enter_any(call)
        summed = self._summed(call) if self._sums else ()
        for meter, amount in summed:
            if meter.left - amount < meter.low or now >= meter.until:
                return self._enter_any(call)
        for meter in self._ones:
            meter.left -= 1
        for meter, amount in summed:
            meter.left -= amount
        if summed or self._seats:
            self._keep(call, _Held(self._desk, summed, self._seats))
        if self._faces:
            call.extra_headers += self._lines(self._faces, self._policy, call, now)
        return True

    def _enter_any(self, call: "Governed") -> bool:
        units = call.units
        needs = [(meter, 1 if meter.is_seats else min(units, meter.rule.limit or 1)) for meter in self._ones]
        if self._sums:
            needs += self._summed(call)
        if self._addresses:
            needs += self._of_address(call, units)
        now = self._now()
        for meter, amount in needs:
            if meter.left - amount < meter.low or now >= meter.until:
                return self._desk.hold(call, needs, self)
        for meter, amount in needs:
            meter.left -= amount
        self.taken(call, needs)
        return True

    def _summed(self, call: "Governed") -> "list[tuple[Meter, int]]":
        """What the call takes of each sum. Raises RateLimited for one that may use more than a whole limit."""
        bound = cast("Bounded", call).bound_tokens(self._bounds) if self._bounds else None
        amounts: list[tuple[Meter, int]] = []
        for meter, is_bounded in self._sums:
            if bound is not None and is_bounded and bound <= meter.rule.limit:
                amounts.append((meter, bound))
            else:
                amounts.append((meter, self._amount(call, meter, bound)))
        return amounts

    def _amount(self, call: "Governed", meter: "Meter", bound: int | None) -> int:
        """Where no bound is known, what the call is expected to need: for more than there ever is it waits for all of
        it."""
        rule = meter.rule
        if bound is None or not _is_bounded(rule):
            return min(call.expected(rule.resource), rule.limit or 1)
        if bound > rule.limit:
            self._desk.refusals += 1
            now = self._now()
            call.extra_headers += words.refusal_line(meter) + words.NEVER_AGAIN
            raise words.too_large(meter, bound, now)
        return bound

    # ---- for who waits (turnpike.relay.limits.waits)

    def taken(self, call: "Governed", needs: "Needs") -> None:
        """All of it was there."""
        sums = [(meter, amount) for meter, amount in needs if meter.rule.resource not in _WHOLE]
        seats = tuple(meter for meter, _ in needs if isinstance(meter, Seats))
        if sums or seats:
            self._keep(call, _Held(self._desk, sums, seats))
        self.show(call, needs)

    def show(self, call: "Governed", needs: "Needs") -> None:
        """Adds the lines that tell the caller how it stands."""
        if self._of_target:
            return
        faces, policy = self._faces, self._policy
        if self._addresses:
            windows = [meter for meter, _ in needs if not meter.is_seats]
            faces, policy = self._faces_of(windows), words.policy_line(windows)
        if faces:
            call.extra_headers += self._lines(faces, policy, call, self._now())

    # ---- inside

    def _keep(self, call: "Governed", held: _Held) -> None:
        if self._of_target:
            call.target_holds = (*call.target_holds, held)
        else:
            call.holds = (*call.holds, held)

    def _of_address(self, call: "Governed", units: int) -> "list[tuple[Meter, int]]":
        address = call.relay.client_address(call.connection, call.head)
        needs: list[tuple[Meter, int]] = []
        for rule in self._desk.book.of_address(address):
            meter = self._desk.address_meter(rule, address)
            if rule.resource not in _WHOLE:
                bound = cast("Bounded", call).bound_tokens(self._bounds) if self._bounds else None
                needs.append((meter, self._amount(call, meter, bound)))
            else:
                needs.append((meter, 1 if meter.is_seats else min(units, rule.limit or 1)))
        return needs

    def _faces_of(self, windows: "Sequence[Meter]") -> "Faces":
        groups = [[meter for meter in windows if meter.rule.resource == each] for each in _SHOWN]
        groups = [group for group in groups if group]
        return [
            [(meter, words.Face(meter, anthropic=self._anthropic, binding=group is groups[0])) for meter in group]
            for group in groups
        ]

    def _lines(self, faces: "Faces", policy: bytes, call: "Governed", now: float) -> bytes:
        lines = policy
        offset_ms = call.relay.wall_offset_ms
        for group in faces:
            face = group[0][1]
            if len(group) > 1:
                least = 1 << 62
                for meter, other in group:
                    left = meter.rule.limit - meter.used + meter.left if now < meter.ends else meter.rule.limit
                    if left < least:
                        least, face = left, other
            lines += face.lines(now, offset_ms)
        return lines


class _TargetGate:
    """Limits of a provider and a deployment. The desk is known with the first call."""

    __slots__ = ("_bounds", "_gates", "_instances")

    def __init__(self, instances: "list[tuple[LimitRule, str]]", bounds: "tuple[Bound, ...]") -> None:
        self._instances = instances
        self._bounds = bounds
        self._gates: dict[bool, LimitsGate] = {}
        """By whether the operation has a bound of tokens."""

    def enter(self, call: "Governed", /) -> bool:
        is_bounded = call.head.route.operation in BOUNDED
        gate = self._gates.get(is_bounded)
        if gate is None:
            desk = call.relay.limits
            meters = [desk.meter(rule, name) for rule, name in self._instances]
            bounds = self._bounds if is_bounded else ()
            gate = LimitsGate(desk, meters, bounds, addresses=False, anthropic=False, of_target=True)
            self._gates[is_bounded] = gate
        return gate.enter(call)


def build_limits(relay: "Relay", entry: "Entry", route: "Route", plan: "Plan") -> "LimitsGate | None":
    """A caller's gate: its key, user, tier and department, the model, the operation, its address, the gateway."""
    desk = relay.limits
    book = desk.book
    if entry.is_inner or (book.is_empty and not entry.limits):
        return None
    names = {plan.model, *(target.served.model for target in plan.targets)}
    operation = route.operation or Operation.PASSTHROUGH
    caller = entry.caller
    rules = book.of_caller(entry.limits, entry.tier, caller.department_id, names, (operation, route.label))
    rules = [rule for rule in rules if concerns(rule.resource, operation)]
    if not rules and not book.has_addresses:
        return None
    instances = {
        Subject.TIER: caller.key_id,
        Subject.KEY: caller.key_id,
        Subject.USER: caller.user_id,
        Subject.DEPARTMENT: caller.department_id or "",
        Subject.GATEWAY: "",
    }
    meters = [desk.meter(rule, instances.get(Subject(rule.subject), rule.name)) for rule in rules]
    anthropic = route.dialect_name.startswith("anthropic")
    bounds = [target.bound for target in plan.targets] if operation in BOUNDED else []
    return LimitsGate(desk, meters, bounds, addresses=book.has_addresses, anthropic=anthropic, of_target=False)


def build_target_limits(
    model: "ModelSpec | None", provider: "ProviderSpec", credential: "CredentialSpec | None"
) -> "_TargetGate | None":
    """A target's gate. `model` None: a request that names none."""
    instances = [(rule, provider.id) for rule in provider.limits]
    if model is not None:
        instances += [(rule, model.id) for rule in model.limits]
    if not instances:
        return None
    bounds = (Bound(None, model.context_window, model.max_output_tokens),) if model is not None else ()
    return _TargetGate(instances, bounds)
