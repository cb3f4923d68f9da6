"""The one table of conversations that every dialect must carry, and what must come back.

A case is written in no dialect. `tests/support/dialects.py` turns it into each SDK's arguments and each SDK's answer
back into `Seen`. Figures are the simulator's documented ones (docs/simulator.md): a word is a token, an image 10, an
offered tool 8, a tool call 5. They are written here by hand, not computed by the simulator's own code.
"""

import base64
from dataclasses import dataclass, field
from typing import Any

GREETING = "This is the Turnpike simulator, not a real model."
GREETING_WORDS = 9

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Tool:
    name: str
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True)
class Call:
    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Result:
    call_id: str
    text: str
    failed: bool = False


@dataclass(frozen=True)
class Said:
    """One message. `images` are PNG bytes or addresses."""

    role: str
    text: str = ""
    images: tuple[bytes | str, ...] = ()
    calls: tuple[Call, ...] = ()
    results: tuple[Result, ...] = ()


@dataclass(frozen=True)
class Usage:
    input: int
    output: int
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0


@dataclass(frozen=True)
class Seen:
    """What a caller has after the answer, whichever SDK read it. `stop` is the caller's dialect's own word."""

    text: str
    reasoning: str
    calls: tuple[tuple[str, dict[str, Any]], ...]
    stop: str
    usage: Usage | None


@dataclass(frozen=True)
class Case:
    name: str
    messages: tuple[Said, ...]
    text: str
    stop: str
    """end, stop_sequence, length, tools, filter."""
    usage: Usage
    system: str | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: str | None = None
    """None, auto, none, required, or a tool's name."""
    parallel: bool | None = None
    schema: dict[str, Any] | None = None
    stops: tuple[str, ...] = ()
    max_tokens: int = 400
    think: bool | None = None
    reasoning: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = field(default=())


def _user(text: str, *images: bytes | str) -> Said:
    return Said("user", text, images)


WEATHER = Tool(
    "get_weather",
    "Weather at a place",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["city"],
    },
)
WEATHER_ARGUMENTS = {"city": "simulated city", "unit": "celsius"}
CLOCK = Tool(
    "get_time",
    "Time at a place",
    {"type": "object", "properties": {"zone": {"type": "integer", "minimum": 1, "maximum": 3}}, "required": ["zone"]},
)
CLOCK_ARGUMENTS = {"zone": 3}
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}

_ASKED = _user("What is the weather in Rome?")  # 6 words
_CALLED = Said("assistant", calls=(Call("call_1", "get_weather", {"city": "Rome"}),))
_CALLED_TWICE = Said(
    "assistant", calls=(Call("call_1", "get_weather", {"city": "Rome"}), Call("call_2", "get_time", {"zone": 1}))
)

CASES: tuple[Case, ...] = (
    Case("text", (_user("hello there"),), f"{GREETING} You said: hello there", "end", Usage(2, 13)),
    Case(
        "unicode",
        (_user("grüße 世界 🚦\n\u2028 end"),),
        f"{GREETING} You said: grüße 世界 🚦 end",
        "end",
        Usage(4, 15),
    ),
    Case(
        "system",
        (_user("hello"),),
        f"{GREETING} Your system prompt: Be brief. You said: hello",
        "end",
        Usage(3, 17),
        system="Be brief.",
    ),
    Case(
        "multi-turn",
        (_user("one"), Said("assistant", "two three"), _user("four"), Said("assistant", "five"), _user("six seven")),
        f"{GREETING} This is turn 3. You said: six seven",
        "end",
        Usage(7, 17),
    ),
    Case(
        "image-bytes",
        (_user("what is this", PNG),),
        f"{GREETING} You attached 1: image/png of {len(PNG)} bytes. You said: what is this",
        "end",
        Usage(13, 21),
    ),
    Case(
        "image-address",
        (_user("and this", "https://example.com/a.png"),),
        f"{GREETING} You attached 1: https://example.com/a.png. You said: and this",
        "end",
        Usage(12, 17),
    ),
    Case(
        "two-images",
        (_user("compare", PNG, PNG),),
        f"{GREETING} You attached 2: image/png of {len(PNG)} bytes, image/png of {len(PNG)} bytes. You said: compare",
        "end",
        Usage(21, 23),
    ),
    Case(
        "tool-on-request",
        (_user("weather please [tool]"),),
        "",
        "tools",
        Usage(11, 5),
        tools=(WEATHER,),
        calls=(("get_weather", WEATHER_ARGUMENTS),),
    ),
    Case(
        "tool-offered-not-used",
        (_user("just talk"),),
        f"{GREETING} You said: just talk",
        "end",
        Usage(10, 13),
        tools=(WEATHER,),
    ),
    Case(
        "tool-required",
        (_user("go on"),),
        "",
        "tools",
        Usage(18, 5),
        tools=(WEATHER, CLOCK),
        tool_choice="required",
        calls=(("get_weather", WEATHER_ARGUMENTS),),
    ),
    Case(
        "tool-by-name",
        (_user("go on"),),
        "",
        "tools",
        Usage(18, 5),
        tools=(WEATHER, CLOCK),
        tool_choice="get_time",
        calls=(("get_time", CLOCK_ARGUMENTS),),
    ),
    Case(
        "tool-forbidden",
        (_user("go on [tool]"),),
        f"{GREETING} You said: go on",
        "end",
        Usage(11, 13),
        tools=(WEATHER,),
        tool_choice="none",
    ),
    Case(
        "text-beside-tool",
        (_user("both [tool] [text]"),),
        f"{GREETING} You said: both",
        "tools",
        Usage(11, 17),
        tools=(WEATHER,),
        calls=(("get_weather", WEATHER_ARGUMENTS),),
    ),
    Case(
        "parallel-tools",
        (_user("both [tools:2]"),),
        "",
        "tools",
        Usage(18, 10),
        tools=(WEATHER, CLOCK),
        calls=(("get_weather", WEATHER_ARGUMENTS), ("get_time", CLOCK_ARGUMENTS)),
    ),
    Case(
        "parallel-tools-switched-off",
        (_user("both [tools:2]"),),
        "",
        "tools",
        Usage(18, 5),
        tools=(WEATHER, CLOCK),
        tool_choice="auto",
        parallel=False,
        calls=(("get_weather", WEATHER_ARGUMENTS),),
    ),
    Case(
        "tool-result",
        (_ASKED, _CALLED, Said("user", results=(Result("call_1", "sunny and warm"),))),
        f"{GREETING} Tool get_weather returned: sunny and warm You said: What is the weather in Rome?",
        "end",
        Usage(6 + 5 + 3 + 8, 9 + 6 + 8),
        tools=(WEATHER,),
    ),
    Case(
        "parallel-tool-results",
        (_ASKED, _CALLED_TWICE, Said("user", results=(Result("call_1", "sunny"), Result("call_2", "ten o'clock")))),
        f"{GREETING} Tool get_weather returned: sunny Tool get_time returned: ten o'clock"
        " You said: What is the weather in Rome?",
        "end",
        Usage(6 + 10 + 3 + 16, 9 + 4 + 5 + 8),
        tools=(WEATHER, CLOCK),
    ),
    Case(
        "json-schema",
        (_user("a person"),),
        '{"name": "simulated name", "age": 7, "tags": ["simulated tags"]}',
        "end",
        Usage(2, 8),
        schema=PERSON,
    ),
    Case(
        "stop-sequence",
        (_user("alpha beta STOP gamma"),),
        f"{GREETING} You said: alpha beta ",
        "stop_sequence",
        Usage(4, 13),
        stops=("STOP", "never"),
    ),
    Case(
        "max-tokens", (_user("[words:50]"),), "Turnpike simulator says word after", "length", Usage(1, 5), max_tokens=5
    ),
    Case("content-filter", (_user("bad [filter]"),), GREETING, "filter", Usage(2, 9)),
    Case(
        "reasoning-by-word",
        (_user("why [think:4]"),),
        f"{GREETING} You said: why",
        "end",
        Usage(2, 16, reasoning=4),
        reasoning="The Turnpike simulator pretends",
    ),
    Case(
        "reasoning-by-parameter",
        (_user("why"),),
        f"{GREETING} You said: why",
        "end",
        Usage(1, 24, reasoning=12),
        max_tokens=2048,
        think=True,
        reasoning="The Turnpike simulator pretends to think step by step The Turnpike simulator",
    ),
    Case(
        "cached-input",
        (_user("one two three [cached:3]"),),
        f"{GREETING} You said: one two three",
        "end",
        Usage(4, 14, cached=3),
    ),
    Case(
        "cache-written",
        (_user("one two three [cached:1] [cache-write:2]"),),
        f"{GREETING} You said: one two three",
        "end",
        Usage(5, 14, cached=1, cache_write=2),
    ),
)
CASE_IDS = tuple(case.name for case in CASES)
