"""Size and parameters: what a request may ask for, whatever its words are. Works on the decoded body of any form."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from turnpike.wire.estimate import tokens_of_bytes
from turnpike.wire.formats import asked_format
from turnpike.wire.guards.spec import BoundsSpec

Members = dict[str, Any]

_HOLDERS = ("generationConfig", "generation_config", "inferenceConfig")
"""Where some forms keep their parameters."""
_OUTPUT = ("max_completion_tokens", "max_output_tokens", "maxOutputTokens", "maxTokens", "max_tokens")
_OUTPUT_OF: dict[str, tuple[str | None, str]] = {
    "openai_chat": (None, "max_completion_tokens"),
    "openai_responses": (None, "max_output_tokens"),
    "openai_realtime": (None, "max_output_tokens"),
    "anthropic_messages": (None, "max_tokens"),
    "cohere_chat": (None, "max_tokens"),
    "gemini": ("generationConfig", "maxOutputTokens"),
    "bedrock_converse": ("inferenceConfig", "maxTokens"),
}
"""By dialect: in which member, by which name a limit of output is set where the caller sets none."""
_TOOLS = ("tools", "functions", "toolConfig", "tool_config", "mcp_servers")
_INPUTS = frozenset(
    (
        "model", "messages", "input", "prompt", "contents", "content", "system", "instructions", "stream", "query",
        "documents", "texts", "systemInstruction", "system_instruction", "generationConfig", "inferenceConfig",
        "file", "image", "mask", "output_modalities", "modalities",
    )
)  # fmt: skip
_SAME = {
    "n": ("n", "candidateCount", "candidate_count", "num_generations"),
    "top_p": ("top_p", "topP", "p"),
    "top_k": ("top_k", "topK", "k"),
    "stop": ("stop", "stop_sequences", "stopSequences"),
    "tools": _TOOLS,
}
"""One thing, as the forms name it."""


class Excess(NamedTuple):
    """Why a request is refused."""

    parameter: str
    message: str


def check(bounds: BoundsSpec, dialect: str, body: Members, size: int) -> tuple[Excess | None, int]:
    """What is wrong first, if anything; and how many parameters were changed, in place, to fit. `size`: the body's, in
    bytes."""
    for judge in (_size, _parameters, _ranges, _tools, _format):
        excess = judge(bounds, body, size)
        if excess is not None:
            return excess, 0
    return _output(bounds, dialect, body)


def check_form(bounds: BoundsSpec, fields: Mapping[str, str], size: int) -> Excess | None:
    """As `check`, of a form: its size, its parameters and their ranges. `size`: with its files, in bytes."""
    read: Members = {name.partition("[")[0]: _number(value) for name, value in fields.items()}
    limits = BoundsSpec(
        max_input_bytes=bounds.max_input_bytes,
        allowed_parameters=bounds.allowed_parameters,
        forbidden_parameters=bounds.forbidden_parameters,
        ranges=bounds.ranges,
    )
    for judge in (_size, _parameters, _ranges):
        excess = judge(limits, read, size)
        if excess is not None:
            return excess
    return None


def _number(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def _size(bounds: BoundsSpec, body: Members, size: int) -> Excess | None:
    if bounds.max_input_bytes is not None and size > bounds.max_input_bytes:
        return Excess("input", f"the request has {size} bytes; {bounds.max_input_bytes} are allowed")
    tokens = tokens_of_bytes(size)
    if bounds.max_input_tokens is not None and tokens > bounds.max_input_tokens:
        return Excess("input", f"the request has about {tokens} tokens; {bounds.max_input_tokens} are allowed")
    return None


def _names(body: Members) -> set[str]:
    names = {name for name in body if name not in _HOLDERS}
    for holder in _HOLDERS:
        if isinstance(body.get(holder), dict):
            names |= set(body[holder])
    return {_canonical(name) for name in names}


def _canonical(name: str) -> str:
    for meant, spellings in _SAME.items():
        if name in spellings:
            return meant
    return "".join("_" + each.lower() if each.isupper() else each for each in name)


def _parameters(bounds: BoundsSpec, body: Members, size: int) -> Excess | None:
    if not bounds.allowed_parameters and not bounds.forbidden_parameters:
        return None
    names = _names(body)
    for name in bounds.forbidden_parameters:
        if _canonical(name) in names:
            return Excess(name, f"the parameter `{name}` is not allowed")
    if bounds.allowed_parameters:
        inputs = {_canonical(name) for name in _INPUTS}
        allowed = {_canonical(name) for name in bounds.allowed_parameters} | inputs
        beyond = sorted(names - allowed)
        if beyond:
            taken = ", ".join(bounds.allowed_parameters)
            return Excess(beyond[0][:64], f"the parameter `{beyond[0][:64]}` is not allowed; these are: {taken}")
    return None


def _values(body: Members, name: str) -> list[Any]:
    """All of a parameter, however the form spells it and wherever it keeps it."""
    wanted = _canonical(name)
    holders = [body, *(cast("Members", body[each]) for each in _HOLDERS if isinstance(body.get(each), dict))]
    return [value for holder in holders for key, value in holder.items() if _canonical(key) == wanted]


def _ranges(bounds: BoundsSpec, body: Members, size: int) -> Excess | None:
    for name, (least, greatest) in bounds.ranges.items():
        for value in _values(body, name):
            if value is None:
                continue
            if not isinstance(value, int | float) or isinstance(value, bool):
                return Excess(name, f"`{name}` must be a number")
            if (least is not None and value < least) or (greatest is not None and value > greatest):
                low = "" if least is None else f" at least {least:g}"
                high = "" if greatest is None else f" at most {greatest:g}"
                both = " and" if low and high else ""
                return Excess(name, f"`{name}` is {value:g}; it must be{low}{both}{high}")
    return None


def _tools(bounds: BoundsSpec, body: Members, size: int) -> Excess | None:
    if not bounds.tools and any(body.get(name) for name in _TOOLS):
        return Excess("tools", "tools are not allowed")
    return None


def _format(bounds: BoundsSpec, body: Members, size: int) -> Excess | None:
    if not bounds.response_formats:
        return None
    asked = asked_format(body)
    if asked is not None and asked not in bounds.response_formats:
        allowed = ", ".join(bounds.response_formats)
        return Excess("response_format", f"the response format '{asked[:40]}' is not allowed; these are: {allowed}")
    return None


def _output(bounds: BoundsSpec, dialect: str, body: Members) -> tuple[Excess | None, int]:
    most = bounds.max_output_tokens
    if most is None:
        return None, 0
    changed = 0
    met = False
    for holder in (body, *(cast("Members", body[each]) for each in _HOLDERS if isinstance(body.get(each), dict))):
        for name in _OUTPUT:
            value = holder.get(name)
            if value is None:
                continue
            met = True
            if isinstance(value, int | float) and value <= most:
                continue
            if bounds.on_excess != "clamp":
                return Excess(name, f"`{name}` must be at most {most}"), 0
            holder[name] = most
            changed += 1
    if not met and bounds.on_excess == "clamp" and dialect in _OUTPUT_OF:
        place, name = _OUTPUT_OF[dialect]
        target = body if place is None else body.setdefault(place, {})
        if isinstance(target, dict):
            target[name] = most
            changed += 1
    return None, changed
