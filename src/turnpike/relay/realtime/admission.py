"""The gates before a response of a realtime session."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from turnpike.errors import TurnpikeError

if TYPE_CHECKING:
    from turnpike.relay.gates import Gate
    from turnpike.relay.realtime.turns import Turn

Told = Callable[[TurnpikeError | None], None]


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
