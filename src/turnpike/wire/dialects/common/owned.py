"""Fields of a request that the gateway owns: they are authorised, bounded or replaced, so each may stand there once.

A body that names one twice would be read one way here and perhaps another way by the provider. JSON decoders let the
last one win in silence; a field whose type is one of those below is seen by `once` each time that it is met, however
its key is spelled and at the top level only, at a cost that does not grow with the body.

The record of what was met is the module's: heads are decoded on one thread at a time (a relay has one).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    OwnedModel = str
    OwnedStream = bool
    OwnedStreamOptions = dict[str, Any]
    OwnedMaxTokens = int
    OwnedMaxCompletionTokens = int
    OwnedMaxOutputTokens = int
    OwnedN = int
    OwnedInferenceConfig = dict[str, Any]
    OwnedGenerationConfig = dict[str, Any]
    OwnedGenerateRequest = dict[str, Any]
    OwnedRequests = list[Any]
else:

    class _Plain(type):
        """msgspec asks whether `once` returned an instance of the field's type: it returns the plain value, and any
        value will do. `id` is a yes that needs no Python frame."""

        __instancecheck__ = id

    def _owned(name, of, expected):
        return _Plain(name, (), {"of": of, "expected": expected})

    OwnedModel = _owned("OwnedModel", str, "str")
    OwnedStream = _owned("OwnedStream", bool, "bool")
    OwnedStreamOptions = _owned("OwnedStreamOptions", dict, "object")
    OwnedMaxTokens = _owned("OwnedMaxTokens", int, "int")
    OwnedMaxCompletionTokens = _owned("OwnedMaxCompletionTokens", int, "int")
    OwnedMaxOutputTokens = _owned("OwnedMaxOutputTokens", int, "int")
    OwnedN = _owned("OwnedN", int, "int")
    OwnedInferenceConfig = _owned("OwnedInferenceConfig", dict, "object")
    OwnedGenerationConfig = _owned("OwnedGenerationConfig", dict, "object")
    OwnedGenerateRequest = _owned("OwnedGenerateRequest", dict, "object")
    OwnedRequests = _owned("OwnedRequests", list, "array")

TWICE = "stands in the body twice"
MAX_COUNT = 2**53

_met: set[Any] = set()

forget = _met.clear
"""To be called before a body is decoded."""


def once(kind: Any, value: Any) -> Any:
    """The decoder's hook. What it raises becomes a msgspec.ValidationError with the field's path."""
    if kind in _met:
        raise ValueError(TWICE)
    _met.add(kind)
    if type(value) is not kind.of:
        raise TypeError(f"Expected `{kind.expected}`")
    if kind.of is int and not 0 <= value <= MAX_COUNT:
        raise ValueError(f"Expected `int` from 0 to {MAX_COUNT}")
    return value
