"""The gates before a response of a realtime session."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from turnpike.errors import TurnpikeError
from turnpike.relay.load.room import Waiter, is_free

if TYPE_CHECKING:
    from turnpike.relay.gates import Gate, Governed
    from turnpike.relay.realtime.turns import Turn
    from turnpike.relay.target import Target

Told = Callable[[TurnpikeError | None], None]


class RoomGate:
    """The last one: room at the deployment that the session is with. There is no other one for it."""

    def __init__(self, target: "Target") -> None:
        self._target = target

    def enter(self, turn: "Governed", /) -> bool:
        target, relay = self._target, turn.relay
        if is_free(relay, target):
            return True
        decided: list[TurnpikeError | None] = []
        held = False

        def say(error: TurnpikeError | None) -> None:
            if not held:
                decided.append(error)
            elif not turn.ended:
                if error is None:
                    turn.go_on()
                else:
                    turn.refuse(error)

        waiter = Waiter(relay, turn.entry, turn.model, [target], lambda _: say(None), say)
        relay.load.place(waiter, target)
        if decided and decided[0] is not None:
            raise decided[0]
        held = True
        return bool(decided)


class Admission:
    """Passes gates, one after the other. `told` hears how it ended if a gate has held the response up."""

    def __init__(self, turn: "Turn", gates: "tuple[Gate, ...]", told: Told) -> None:
        self._turn = turn
        self._gates = gates
        self._told = told
        self._passed = 0

    def enter(self) -> bool:
        """False: it is held. Raises what the response is refused with."""
        while self._passed < len(self._gates):
            gate = self._gates[self._passed]
            self._passed += 1
            if not gate.enter(self._turn):
                return False
        return True

    def go_on(self) -> None:
        try:
            if self.enter():
                self._told(None)
        except TurnpikeError as error:
            self._told(error)

    def refuse(self, error: TurnpikeError) -> None:
        self._told(error)
