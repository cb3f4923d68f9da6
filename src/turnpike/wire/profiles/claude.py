"""Facts about Anthropic's Claude models, by the model's name at whatever provider.

Sources: Anthropic's pages on thinking (per-model table), effort, structured outputs, mid-conversation system messages
and the migration notes of each generation (4.6: adaptive thinking; 4.7: budgets and sampling parameters removed; 5:
thinking on by default; 5.5: per-model ways to switch it off). An unknown, newer Claude is taken for one like the newest
known; a model that is no Claude is taken for a server that follows the form as it was first published.
"""

import re
from functools import lru_cache
from typing import Literal

import msgspec

from turnpike.wire.types.conversation import Effort

_NAME = re.compile(
    r"claude[-_.](?:(?P<old>[123](?:[-.]\d)?)(?!\d)|(?P<line>[a-z]+)(?:[-.](?P<version>\d{1,2}(?:[-.]\d{1,2})?)(?!\d))?)"
)

_CLASSIC: tuple[Effort, ...] = ("low", "medium", "high")


class Claude(msgspec.Struct, frozen=True):
    is_claude: bool = False
    thinking: Literal["none", "manual", "both", "adaptive"] = "manual"
    """`manual`: a token budget; `adaptive`: the model decides, steered by effort."""
    thinking_off: Literal["omit", "disabled", "between_tools", "never"] = "disabled"
    """How thinking is switched off: by saying nothing, by a mode, or not at all."""
    efforts: tuple[Effort, ...] = ()
    """What `output_config.effort` may be; empty when there is no such field."""
    sampling: bool = True
    """Whether `temperature`, `top_p` and `top_k` are taken."""
    json_schema: bool = True
    midway_system: bool = False
    """Whether a system message may follow a user's, amid the conversation."""


@lru_cache(1024)
def claude(model: str) -> Claude:
    match = _NAME.search(model.lower())
    if match is None:
        return Claude(is_claude="claude" in model.lower())
    if match["old"]:
        thinks = match["old"].replace("-", ".") == "3.7"
        return Claude(is_claude=True, thinking="manual" if thinks else "none", thinking_off="omit", json_schema=False)
    line = match["line"]
    version = _version(match["version"])
    if version < (4, 5):
        return Claude(is_claude=True, thinking_off="omit", json_schema=version == (4, 1))
    if version < (4, 6):
        efforts = _CLASSIC if line == "opus" else ()
        return Claude(is_claude=True, thinking_off="omit", efforts=efforts)
    if version < (4, 7):
        return Claude(is_claude=True, thinking="both", thinking_off="omit", efforts=(*_CLASSIC, "max"))
    return Claude(
        is_claude=True,
        thinking="adaptive",
        thinking_off=_off(line, version),
        efforts=(*_CLASSIC, "xhigh", "max"),
        sampling=False,
        midway_system=version >= (4, 8) and (line, version) != ("sonnet", (5, 0)),
    )


def _version(text: str | None) -> tuple[int, int]:
    if text is None:
        return (99, 0)  # a name without a number is an alias of the newest
    major, _, minor = text.replace("-", ".").partition(".")
    return int(major), int(minor or 0)


def _off(line: str, version: tuple[int, int]) -> Literal["omit", "disabled", "between_tools", "never"]:
    if version < (5, 0):
        return "omit"
    if line in ("opus", "sonnet", "haiku") and version < (5, 5):
        return "disabled"
    if line == "haiku":
        return "disabled"
    return "between_tools" if line == "sonnet" else "never"
