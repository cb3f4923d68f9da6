"""What a target has no word for: refused by name, or left out where the caller allows it."""

import json
from typing import Any

import pytest

from turnpike.errors import Inexpressible
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.translation import translate, without_member

CHAT = DIALECTS["openai_chat"]
MESSAGES = DIALECTS["anthropic_messages"]
TARGET = Target("claude", 100)
HELLO: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def _translate(body: dict[str, Any], *, drop: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    written, dropped = translate(CHAT, MESSAGES.write_request, json.dumps(body).encode(), TARGET, drop=drop)
    return json.loads(written), dropped


@pytest.mark.parametrize(
    "more",
    [
        {"presence_penalty": 1},
        {"logit_bias": {"50256": -100}},
        {"n": 2},
        {"logit_bias": {}, "frequency_penalty": 0.5, "n": 2, "made_up": {"a": [1]}},
        {"tools": [{"type": "custom", "custom": {"name": "c"}}]},
    ],
)
def test_parameters_are_refused_by_name_or_left_out(more: dict[str, Any]) -> None:
    with pytest.raises(Inexpressible) as caught:
        _translate({**HELLO, **more}, drop=False)
    assert (caught.value.details or {})["param"].split("[")[0] in more

    written, dropped = _translate({**HELLO, **more}, drop=True)

    plain, _ = _translate(HELLO, drop=False)
    assert written == plain
    assert {name.split("[")[0] for name in dropped} == set(more)


def test_what_the_request_is_about_is_never_left_out() -> None:
    audio = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    body = {**HELLO, "messages": [{"role": "user", "content": [audio]}]}

    with pytest.raises(Inexpressible) as caught:
        _translate(body, drop=True)

    assert (caught.value.details or {})["param"].startswith("messages[0]")


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "prompt"])
def test_a_conversation_that_a_provider_keeps_is_never_left_out(name: str) -> None:
    responses, chat = DIALECTS["openai_responses"], DIALECTS["openai_chat"]
    body = json.dumps({"model": "m", "input": "and then?", name: "x"}).encode()

    with pytest.raises(Inexpressible) as caught:
        translate(responses, chat.write_request, body, Target("m"), drop=True)

    assert (caught.value.details or {})["param"] == name


def test_a_built_in_tool_is_left_out_and_the_functions_stay() -> None:
    responses, chat = DIALECTS["openai_responses"], DIALECTS["openai_chat"]
    tools = [{"type": "web_search"}, {"type": "function", "name": "f"}]
    body = json.dumps({"model": "m", "input": "x", "tools": tools, "truncation": "auto"}).encode()

    written, dropped = translate(responses, chat.write_request, body, Target("m"), drop=True)

    assert [tool["function"]["name"] for tool in json.loads(written)["tools"]] == ["f"]
    assert set(dropped) == {"tools[0]", "truncation"}


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("a", {"b": [1, {"c": 2}]}),
        ("b[0]", {"a": 1, "b": [{"c": 2}]}),
        ("b[1].c", {"a": 1, "b": [1, {}]}),
        ("b[7]", None),
        ("b.c", None),
        ("", None),
    ],
)
def test_a_member_is_taken_out_by_its_path(path: str, left: Any) -> None:
    pruned = without_member(b'{"a": 1, "b": [1, {"c": 2}]}', path)

    assert (json.loads(pruned) if pruned is not None else None) == left
