"""The targets that calls of one kind may go to, in the order of trying."""

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from turnpike.relay.routing.strategies import Picker, make_picker, passes, weighted_cycle

if TYPE_CHECKING:
    from turnpike.contract.routes import StickyBy, Strategy
    from turnpike.relay.call import Call
    from turnpike.relay.gates import Gate
    from turnpike.relay.keys import Entry
    from turnpike.relay.routing.asked import Asked
    from turnpike.relay.routing.router import Router
    from turnpike.relay.target import Target


class Plan:
    """Where requests of one kind of caller for one model at one endpoint may go."""

    __slots__ = ("_fallbacks", "_turns", "alone", "gates", "model", "routed", "router")

    def __init__(
        self, model: str, first: "list[tuple[Target, int]]", then: "list[Target]", router: "Router | None" = None
    ) -> None:
        """`first`: targets with their weights, taken in turn; `then`: targets for when all of those fail."""
        self.model = model
        self.gates: dict[Entry, tuple[Gate, ...]] = {}
        """What turnpike.relay.gates made for each caller."""
        self.router = router
        """Says which plan a call has, where that depends on the call: then this one has no targets."""
        self.routed: RoutedPlan | None = None
        """This very plan, where there is something to do or to say when a call is sent."""
        self._turns = cycle(weighted_cycle(first))
        self._fallbacks = [target for target, _ in first] + then
        self.alone = len(self._fallbacks) == 1
        """There is only one target."""

    @property
    def targets(self) -> "list[Target]":
        """All of them."""
        return self._fallbacks

    def choose(self, now: float, call: "Asked | None" = None) -> "Target | None":
        """The next target in turn, or the first one that lets requests pass; None when none does."""
        target = next(self._turns)
        if target.breaker.open and not target.breaker.may_pass(now):
            return self.next_after((), now)
        return target

    def next_after(self, tried: "Iterable[Target]", now: float, call: "Asked | None" = None) -> "Target | None":
        """The first target not tried yet that lets requests pass."""
        for target in self._fallbacks:
            if target not in tried and passes(target, now):
                return target
        return None

    def at(self, provider_id: str, credential_id: str | None) -> "Plan | None":
        """The same plan at one provider, with the credential named where it is among them; None: nowhere there."""
        here = [target for target in self._fallbacks if target.served.provider_id == provider_id]
        if not here:
            return None
        named = [target for target in here if target.served.credential_id == credential_id] or here
        return Plan(self.model, [(target, 1) for target in named], [])

    def may_pass_as_it_is(self) -> bool:
        """Somewhere the caller's own dialect is spoken."""
        return any(target.same for target in self._fallbacks)

    def rests_for_s(self, now: float) -> float:
        """Until the first target lets a request pass."""
        return min(target.breaker.rests_for_s(now) for target in self._fallbacks)


Group = Sequence[tuple["Target", int]]


def parted(group: "list[tuple[Target, int]]") -> "list[list[tuple[Target, int]]]":
    """Targets with the weight 0 are a group behind the others of theirs; alone they are all alike."""
    first = [each for each in group if each[1]]
    return [part for part in (first, [(target, 1) for target, weight in group if not weight]) if part]


class RoutedPlan(Plan):
    """A plan whose groups have a strategy, and other models behind them."""

    __slots__ = ("_fallback_models", "_first", "_groups", "_line", "_others", "mirror", "route")

    def __init__(  # noqa: PLR0917 - a compiled rule
        self,
        model: str,
        groups: Sequence[Group],
        strategy: "Strategy",
        by: "StickyBy",
        others: Sequence[Group] = (),
        route: str | None = None,
        mirror: tuple[float, Plan] | None = None,
    ) -> None:
        """`groups`: priority groups; `others`: one group for each model to fall back to."""
        of_all = [target for group in (*groups, *others) for target, _ in group]
        super().__init__(model, [], of_all)
        self._groups: list[Picker] = [make_picker(strategy, group, by) for group in groups]
        self._others: list[Picker] = [make_picker(strategy, group, by) for group in others]
        self._first = (self._groups or self._others)[0]
        self._fallback_models = {target: target.served.model for group in others for target, _ in group}
        self._line = b"" if route is None else f"x-turnpike-route: {header_text(route)}\r\n".encode()
        self.route = route
        self.mirror = mirror
        """The share of the calls that are copied, from 0 to 1, and where to."""
        self.routed = self if route is not None else None

    def choose(self, now: float, call: "Asked | None" = None) -> "Target | None":
        target = self._first.pick(call, now, ())
        return target if target is not None else self.next_after((), now, call)

    def next_after(self, tried: "Iterable[Target]", now: float, call: "Asked | None" = None) -> "Target | None":
        tried = tuple(tried)
        found = self._pick(self._groups, tried, now, call)
        return found or self._pick(self._others, tried, now, call)

    def other_model(self, tried: "tuple[Target, ...]", now: float, call: "Asked | None") -> "Target | None":
        """A target of the first model to fall back to that was not tried yet."""
        models = {self._fallback_models.get(target) for target in tried}
        for picker in self._others:
            target = picker.pick(call, now, tried)
            if target is not None and target.served.model not in models:
                return target
        return None

    @staticmethod
    def _pick(pickers: list[Picker], tried: "tuple[Target, ...]", now: float, call: "Asked | None") -> "Target | None":
        for picker in pickers:
            target = picker.pick(call, now, tried)
            if target is not None:
                return target
        return None

    def lines(self, target: "Target", reason: str = "unavailable") -> bytes:
        """What the answer's head says of how the call came to this target."""
        model = self._fallback_models.get(target)
        if model is None:
            return self._line
        return self._line + f"x-turnpike-fallback: {header_text(model)}; reason={reason}\r\n".encode()

    def sends(self, call: "Call", target: "Target") -> None:
        """A call is about to be sent there."""
        lines = self.lines(target, call.why)
        if lines != call.route_lines:
            if call.route_lines:
                call.extra_headers = call.extra_headers.replace(call.route_lines, b"")
            call.extra_headers += lines
            call.route_lines = lines
        if self.mirror is not None and not call.attempts:
            call.relay.mirrors.offer(call, *self.mirror)


def header_text(name: str) -> str:
    """A name, fit for a header."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in name)
