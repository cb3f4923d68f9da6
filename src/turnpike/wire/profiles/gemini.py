"""Facts about Google's Gemini models, by the model's name at whatever provider.

Source: Google's guides "Gemini thinking" (budgets for 2.5, levels from 3 on; which models cannot stop thinking),
"Thought signatures" and "Function calling" (media in results from 3 on). An unknown, newer Gemini is taken for one like
the newest known; a model that is no Gemini is taken for a server that takes all that the form has.
"""

import re
from functools import lru_cache
from typing import Any

import msgspec

from turnpike.wire.profiles.reasoning import budget_of, effort_of, nearest
from turnpike.wire.types.conversation import Effort, ReasoningConfig

_NAME = re.compile(r"gemini-(?:(?P<version>\d+(?:\.\d+)?)-)?(?P<rest>.*)")
_LEVELS: tuple[Effort, ...] = ("minimal", "low", "medium", "high")
_PRO_LEVELS: tuple[Effort, ...] = ("low", "medium", "high")


class Gemini(msgspec.Struct, frozen=True):
    thinks: bool = True
    levels: tuple[Effort, ...] = ()
    """What `thinkingLevel` may be; empty for a model that takes a budget."""
    budgets: tuple[int, int] = (0, 65536)
    """The least and the most that `thinkingBudget` may be; thinking can be switched off where the least is 0."""
    signed_calls: bool = False
    """Refuses its own turn's calls back without a thought signature."""
    media_in_results: bool = True


@lru_cache(1024)
def gemini(model: str) -> Gemini:
    match = _NAME.search(model.lower())
    if match is None:
        return Gemini()
    version = float(match["version"] or 99)  # a name without a number is an alias of the newest
    rest = match["rest"]
    if version < 2.5:
        return Gemini(thinks="thinking" in rest, media_in_results=False)
    if version < 3:
        if "lite" in rest:
            return Gemini(budgets=(0, 24576), media_in_results=False)
        return Gemini(budgets=(128, 32768) if "pro" in rest else (0, 24576), media_in_results=False)
    return Gemini(levels=_PRO_LEVELS if "pro" in rest else _LEVELS, signed_calls=True)


def thinking_of(config: ReasoningConfig, model: str) -> dict[str, Any]:
    """`thinkingConfig` in the way that this very model takes it; empty to leave it out.

    Effort is a wish: what a model does not know is brought to the nearest that it knows. Thoughts are shown unless
    the caller asked to have them left out.
    """
    facts = gemini(model)
    if not facts.thinks:
        return {}
    shown = {"includeThoughts": config.display != "omitted"}
    if config.mode == "disabled" or config.effort == "none":
        return _off(facts)
    effort = config.effort
    if effort is None and config.budget_tokens is None:
        return shown if facts.levels or config.mode != "adaptive" else {"thinkingBudget": -1, **shown}
    if facts.levels:
        wanted = effort or effort_of(config.budget_tokens or 0)
        return {"thinkingLevel": nearest(wanted, facts.levels).upper(), **shown}
    least, most = facts.budgets
    budget = config.budget_tokens if config.budget_tokens is not None else budget_of(effort or "medium")
    return {"thinkingBudget": min(max(budget, least), most), **shown}


def _off(facts: Gemini) -> dict[str, Any]:
    if facts.levels:
        return {"thinkingLevel": facts.levels[0].upper(), "includeThoughts": False}
    return {"thinkingBudget": facts.budgets[0]}
