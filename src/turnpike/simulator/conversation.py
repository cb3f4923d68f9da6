"""A conversation as the simulator understands it, whatever dialect it came in, and the words that steer the answer.

Steering words stand in square brackets in the newest user text, so they pass through any gateway: `[tool]`,
`[tools:2]`, `[think:20]`, `[words:100]`, `[cached:5]` ... docs/simulator.md lists them.
"""

import re
from typing import Any

import msgspec

from turnpike.simulator import tokens

_DIRECTIVE = re.compile(
    r"\[(tools?|text|think|hidden|words|cached|cache-write|cache-write-1h|cite|filter|refuse)(?::([^\]\[]*))?\]"
)


class ToolCall(msgspec.Struct):
    id: str
    name: str
    arguments: str
    """JSON text."""


class ToolResult(msgspec.Struct):
    name: str
    text: str
    failed: bool = False


class Tool(msgspec.Struct):
    name: str
    schema: dict[str, Any]


class Turn(msgspec.Struct):
    """One message. `attachments` are short descriptions: `image/png of 68 bytes`, an address, `document`."""

    role: str
    texts: list[str] = []
    attachments: list[str] = []
    calls: list[ToolCall] = []
    results: list[ToolResult] = []


class Conversation(msgspec.Struct):
    model: str
    system: list[str]
    turns: list[Turn]
    digest: str
    """Of the request's bytes: what ids are made of."""
    tools: list[Tool] = []
    may_call: bool = True
    forced: str | None = None
    """A tool's name, or `*` for any."""
    parallel: bool = True
    schema: dict[str, Any] | None = None
    any_json: bool = False
    stops: list[str] = []
    max_tokens: int | None = None
    think: bool | None = None
    """Asked for, forbidden, or left open."""
    think_budget: int | None = None

    def input_tokens(self) -> int:
        """The documented rule: words, and fixed figures for what is not text."""
        total = sum(tokens.count(text) for text in self.system) + tokens.TOOL_TOKENS * len(self.tools)
        for turn in self.turns:
            total += sum(tokens.count(text) for text in turn.texts)
            total += sum(tokens.count(result.text) for result in turn.results)
            total += tokens.IMAGE_TOKENS * len(turn.attachments) + tokens.CALL_TOKENS * len(turn.calls)
        return total

    def last_prompt(self) -> str:
        """The newest text of a user."""
        for turn in reversed(self.turns):
            if turn.role == "user" and turn.texts:
                return "\n".join(turn.texts)
        return ""

    def user_turns(self) -> int:
        return sum(1 for turn in self.turns if turn.role == "user" and (turn.texts or turn.attachments))

    def pending_results(self) -> list[ToolResult]:
        """Tool results that the model has not answered yet: those after its last message."""
        found: list[ToolResult] = []
        for turn in reversed(self.turns):
            if turn.role == "assistant":
                break
            found = turn.results + found
        return found


class Directives(msgspec.Struct):
    """What the steering words of a prompt ask for."""

    tools: list[str] = []
    """Names of tools to call; empty strings mean the next one in the list."""
    with_text: bool = False
    think: int | None = None
    hidden: bool = False
    words: int | None = None
    cached: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    cite: bool = False
    """Say where the text comes from."""
    filter: bool = False
    refuse: bool = False
    rest: str = ""
    """The prompt without its steering words."""


DEFAULT_THINKING_WORDS = 12


def _number(value: str | None, default: int) -> int:
    return int(value) if value is not None and value.strip().isdecimal() else default


def _apply(directives: Directives, name: str, value: str | None) -> None:
    if name == "tool":
        directives.tools.append(value.strip() if value else "")
    elif name == "tools":
        directives.tools.extend([""] * _number(value, 2))
    elif name == "think":
        directives.think = _number(value, DEFAULT_THINKING_WORDS)
    elif name == "words":
        directives.words = _number(value, 10)
    elif name == "cached":
        directives.cached = _number(value, 1)
    elif name == "cache-write":
        directives.cache_write = _number(value, 1)
    elif name == "cache-write-1h":
        directives.cache_write_1h = _number(value, 1)
    else:
        setattr(directives, "with_text" if name == "text" else name, True)


def directives_of(prompt: str) -> Directives:
    found = Directives()
    for match in _DIRECTIVE.finditer(prompt):
        _apply(found, match[1], match[2])
    found.rest = " ".join(_DIRECTIVE.sub(" ", prompt).split())
    return found
