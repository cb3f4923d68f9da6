"""What a guard is told to do: plain data, made by control and compiled by whoever applies it."""

import msgspec

ACTIONS = ("allow", "flag", "mask", "restore", "block")
"""From the mildest to the strictest. `allow`: what it finds whole is left alone by the others; `restore`: replaced in
the prompt by a placeholder that becomes the value again in the answer."""
SIDES = ("prompt", "answer", "both")
KINDS = ("pii", "terms", "patterns", "injection", "moderation", "names")


class GuardSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One guard of a policy."""

    name: str
    kind: str
    """One of KINDS."""
    action: str
    on: str = "both"
    """prompt, answer or both."""
    detect: tuple[str, ...] = ()
    """Of `pii`: kinds or groups of kinds (turnpike.wire.guards.detectors); of `names`: entities."""
    terms: tuple[str, ...] = ()
    """Of `terms`: words and phrases, whatever their case."""
    patterns: tuple[str, ...] = ()
    """Of `patterns`: regular expressions in RE2's syntax."""
    threshold: float | None = None
    """Of `injection`, `moderation` and `names`: the score from which on it is a find."""
    model: str | None = None
    """Of `moderation`: the model that is asked, as callers name it."""
    categories: tuple[str, ...] = ()
    """Of `moderation`: those that count; empty: all."""
    replacement: str | None = None
    """Of `mask`: what stands in its place; None: the kind in brackets."""


class BoundsSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How large a request may be and which parameters it may have. None and empty: as the caller likes."""

    max_input_bytes: int | None = None
    max_input_tokens: int | None = None
    """By an upper estimate."""
    max_output_tokens: int | None = None
    on_excess: str = "clamp"
    """Of output tokens: clamp (an absent limit is set, too) or refuse."""
    allowed_parameters: tuple[str, ...] = ()
    """Top-level members of the body beside `model` and the input itself; empty: all."""
    forbidden_parameters: tuple[str, ...] = ()
    ranges: dict[str, tuple[float | None, float | None]] = msgspec.field(default_factory=dict)
    """Least and greatest value by parameter: {"temperature": [0, 1], "n": [null, 1]}."""
    tools: bool = True
    """Whether a request may offer tools."""
    response_formats: tuple[str, ...] = ()
    """text, json_object, json_schema; empty: all."""
