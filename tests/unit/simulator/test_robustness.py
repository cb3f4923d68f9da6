"""Whatever JSON arrives is answered or refused in the vendor's form: the simulator itself never fails."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnpike.simulator.dialects import OPERATIONS
from turnpike.simulator.exchange import Answer, Call, Refused
from turnpike.simulator.faults import NONE

TOOL_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 2}, "b": {"enum": [1, 2]}}}
VALID: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "model": "m",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "x [tools:2] [think]"}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "r"},
        ],
        "tools": [{"type": "function", "function": {"name": "t", "parameters": TOOL_SCHEMA}}],
        "tool_choice": "auto",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": TOOL_SCHEMA}},
        "n": 2,
        "stop": ["x"],
        "stream": True,
        "stream_options": {"include_usage": True},
        "logprobs": True,
        "top_logprobs": 2,
        "max_tokens": 50,
        "temperature": 1,
        "reasoning_effort": "low",
    },
    "/v1/messages": {
        "model": "m",
        "max_tokens": 2000,
        "system": [{"type": "text", "text": "s"}],
        "messages": [
            {"role": "user", "content": "x [tools:2]"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "t", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "r"}]},
        ],
        "tools": [{"name": "t", "input_schema": TOOL_SCHEMA}],
        "tool_choice": {"type": "auto"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "output_config": {"format": {"type": "json_schema", "schema": TOOL_SCHEMA}},
        "stop_sequences": ["x"],
        "stream": True,
    },
    "/v1/embeddings": {"model": "m", "input": ["a", "b"], "dimensions": 4, "encoding_format": "float"},
}
VALID["/v1/messages/count_tokens"] = VALID["/v1/messages"]
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place within a JSON value."""
    found = [path] if path else []
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        found += places(child, (*path, name))
    return found


def put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = new


def answer(path: str, data: Any) -> Answer | Refused:
    (operation,) = (one for one in OPERATIONS if one.path == path and one.method == "POST")
    headers = {"anthropic-version": "2023-06-01"}
    call = Call(1, "POST", path, "", "", headers, msgspec.json.encode(data), data, NONE)
    try:
        return operation.answer(call)
    except Refused as refused:
        return refused


@pytest.mark.parametrize("path", VALID)
def test_the_requests_that_are_mutated_below_are_right(path: str) -> None:
    assert isinstance(answer(path, VALID[path]), Answer)


@settings(max_examples=300)
@given(st.data(), st.sampled_from(sorted(VALID)), ANY_JSON)
def test_a_request_with_one_wrong_value_is_answered_or_refused(data: st.DataObject, path: str, wrong: Any) -> None:
    request = copy.deepcopy(VALID[path])
    put(request, data.draw(st.sampled_from(places(request))), wrong)
    result = answer(path, request)

    if isinstance(result, Refused):
        assert 400 <= result.status < 500
        assert result.message


@given(st.sampled_from(sorted(VALID)), st.dictionaries(st.text(max_size=8), ANY_JSON, max_size=5))
def test_any_object_is_answered_or_refused(path: str, request: dict[str, Any]) -> None:
    assert isinstance(answer(path, request), (Answer, Refused))
