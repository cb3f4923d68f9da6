"""The call that asks a moderation model."""

from typing import TYPE_CHECKING

from turnpike.errors import TurnpikeError
from turnpike.relay.call import Call

if TYPE_CHECKING:
    from turnpike.contract.events import Outcome


class Question(Call):
    """The call to the model."""

    error: TurnpikeError | None = None
    """Why it has no answer."""

    def _answer_error(self, outcome: "Outcome", error: TurnpikeError) -> None:
        self.error = error
        super()._answer_error(outcome, error)
