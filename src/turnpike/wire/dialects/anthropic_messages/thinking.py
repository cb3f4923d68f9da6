"""How much a Claude may think, said in the way that this very model takes it."""

from typing import Any

from turnpike.wire.profiles.claude import Claude
from turnpike.wire.profiles.reasoning import MIN_BUDGET, budget_of, effort_of, nearest
from turnpike.wire.types.conversation import Effort, Reasoning, ReasoningConfig, Request, ToolCall

Json = dict[str, Any]


def thinking_of(request: Request, facts: Claude, limit: int) -> tuple[Json | None, Effort | None]:
    """The values of `thinking` and `output_config.effort`, None to leave them out. `limit` is `max_tokens`.

    Effort is a wish: what a model does not know is brought to the nearest that it knows, and left out where it would
    be an error (a budget beyond `max_tokens`, a forced tool call, a tool loop without its signed thinking).
    """
    config = request.reasoning
    if config is None or facts.thinking == "none":
        return None, None
    if config.mode == "disabled" or config.effort == "none":
        return _off(facts)
    effort = config.effort
    if facts.thinking == "manual":
        known = None if effort is None or not facts.efforts else nearest(effort, facts.efforts)
        return _manual(request, config, limit), known
    if effort is None and config.budget_tokens is not None:
        effort = effort_of(config.budget_tokens)
    asked: Effort | None = None if effort is None else nearest(effort, facts.efforts)
    if config.mode == "between_tools":
        return {"type": "between_tools"}, asked
    return {"type": "adaptive", "display": config.display or "summarized"}, asked


def _off(facts: Claude) -> tuple[Json | None, Effort | None]:
    match facts.thinking_off:
        case "omit":
            return None, None
        case "never":
            return None, "low"
        case mode:
            return {"type": mode}, None


def _manual(request: Request, config: ReasoningConfig, limit: int) -> Json | None:
    choice = request.tool_choice
    forced = choice is not None and choice.mode in ("required", "tool")
    if forced or _unsigned_tool_loop(request):
        return None
    wanted = config.budget_tokens
    if wanted is None:
        wanted = budget_of(config.effort or "medium")
    budget = min(max(wanted, MIN_BUDGET), limit - 1)
    return {"type": "enabled", "budget_tokens": budget} if budget >= MIN_BUDGET else None


def _unsigned_tool_loop(request: Request) -> bool:
    """The model waits for results of calls that it made without thinking it could recognise (another provider made
    them): thinking cannot begin in the middle of a turn."""
    messages = request.messages
    if not messages or messages[-1].role != "tool":
        return False
    for message in reversed(messages):
        if message.role == "assistant" and any(isinstance(part, ToolCall) for part in message.parts):
            first = message.parts[0]
            return not (isinstance(first, Reasoning) and (first.signature is not None or first.redacted is not None))
    return False
