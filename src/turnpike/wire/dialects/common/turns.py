"""Turns of forms where results of calls stand in a user's turn: Anthropic's, and Bedrock's after it."""

from collections.abc import Sequence

from turnpike.wire.dialects.common.words import invalid
from turnpike.wire.types.conversation import Message, Part, ToolResult


def turns_of(role: str, parts: Sequence[Part], param: str) -> list[Message]:
    """The results in a user's turn become messages of their own. Raises InvalidRequest for an unknown role."""
    if role in ("assistant", "system"):
        return [Message("assistant" if role == "assistant" else "system", tuple(parts))]
    if role != "user":
        raise invalid(f"{param}.role", "must be user, assistant or system.")
    turns: list[Message] = []
    run: list[Part] = []
    results = False
    for part in parts:
        if isinstance(part, ToolResult) is not results and run:
            turns.append(Message("tool" if results else "user", tuple(run)))
            run = []
        results = isinstance(part, ToolResult)
        run.append(part)
    turns.append(Message("tool" if results else "user", tuple(run)))
    return turns
