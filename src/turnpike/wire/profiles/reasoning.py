"""Between the two ways to say how much a model may think: effort in words, and a budget in tokens."""

from turnpike.wire.types.conversation import EFFORTS, Effort

BUDGETS: dict[Effort, int] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 65536,
}
"""Tokens of thinking for an effort, where a model takes a budget."""

MIN_BUDGET = 1024
"""The least that Anthropic takes."""


def budget_of(effort: Effort) -> int:
    return BUDGETS.get(effort, MIN_BUDGET)


def effort_of(budget_tokens: int) -> Effort:
    """`low`, `medium` or `high`: the three that every reasoning model knows."""
    if budget_tokens < BUDGETS["medium"]:
        return "low"
    return "medium" if budget_tokens < BUDGETS["high"] else "high"


def nearest(effort: Effort, known: tuple[Effort, ...]) -> Effort:
    """The highest known effort that is not above the one asked for, else the lowest known."""
    rank = EFFORTS.index(effort)
    below: list[Effort] = [word for word in known if EFFORTS.index(word) <= rank]
    return below[-1] if below else known[0]
