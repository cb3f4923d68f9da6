"""Ways in which providers differ inside OpenAI's form: in written requests, in callers' own bytes, in answers."""

import json
from typing import Any

import pytest

from turnpike.errors import Inexpressible
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.profiles import quirks as q
from turnpike.wire.types.conversation import (
    Citation,
    Message,
    Reasoning,
    ReasoningConfig,
    Request,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
)
from turnpike.wire.types.stream import CitationAdded, Finished, TextDelta
from turnpike.wire.vendors import VENDORS

CHAT = DIALECTS["openai_chat"]
EMBEDDINGS = DIALECTS["openai_embeddings"]
TOOL = Tool(name="look", strict=True)
HELLO = (Message(role="user", parts=(TextPart("hi"),), name="ann"),)


def written(quirks: set[str] | frozenset[str], **fields: Any) -> dict[str, Any]:
    request = Request(**{"model": "m", "messages": HELLO, **fields})
    return json.loads(CHAT.write_request(request, Target("m", quirks=frozenset(quirks))))


# ---- written requests


def test_a_name_is_left_out_where_messages_have_none() -> None:
    assert written(set())["messages"][0]["name"] == "ann"
    assert "name" not in written({q.NO_NAME})["messages"][0]


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
def test_a_penalty_that_is_not_known_is_refused_by_name(name: str) -> None:
    assert written(set(), **{name: 0.5})[name] == 0.5
    with pytest.raises(Inexpressible) as caught:
        written({q.NO_PENALTIES}, **{name: 0.5})
    assert caught.value.details["param"] == name


def test_a_json_object_that_is_not_known_is_refused() -> None:
    wish = ResponseFormat(kind="json_object")
    assert written(set(), response_format=wish)["response_format"] == {"type": "json_object"}
    with pytest.raises(Inexpressible, match="schema") as caught:
        written({q.NO_JSON_OBJECT}, response_format=wish)
    assert caught.value.details["param"] == "response_format"


def test_tools_are_not_called_strict_where_that_is_not_known() -> None:
    assert written(set(), tools=(TOOL,))["tools"][0]["function"]["strict"] is True
    assert "strict" not in written({q.NO_STRICT_TOOLS}, tools=(TOOL,))["tools"][0]["function"]


@pytest.mark.parametrize("mode", ["required", "tool"])
def test_a_choice_of_tools_that_models_make_themselves_is_refused(mode: Any) -> None:
    choice = ToolChoice(mode=mode, name="look" if mode == "tool" else None)
    with pytest.raises(Inexpressible) as caught:
        written({q.TOOL_CHOICE_AUTO}, tools=(TOOL,), tool_choice=choice)
    assert caught.value.details["param"] == "tool_choice"


def test_no_tool_means_no_tools_where_models_choose_themselves() -> None:
    assert "tools" not in written({q.TOOL_CHOICE_AUTO}, tools=(TOOL,), tool_choice=ToolChoice(mode="none"))
    plain = written({q.TOOL_CHOICE_AUTO}, tools=(TOOL,), tool_choice=ToolChoice(mode="auto"))
    assert "tool_choice" not in plain
    assert plain["tools"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (ReasoningConfig(mode="enabled", budget_tokens=2000), {"enable_thinking": True, "thinking_budget": 2000}),
        (ReasoningConfig(mode="disabled"), {"enable_thinking": False}),
        (ReasoningConfig(effort="high"), {"enable_thinking": True}),
    ],
)
def test_thinking_is_switched_by_a_flag(config: ReasoningConfig, expected: dict[str, Any]) -> None:
    body = written(VENDORS["qwen"].quirks, reasoning=config)
    assert {name: value for name, value in body.items() if "thinking" in name} == expected
    assert "reasoning_effort" not in body


def test_reasoning_is_asked_to_stay_out_of_the_text() -> None:
    assert written(VENDORS["minimax"].quirks)["reasoning_split"] is True
    assert "reasoning_split" not in written(VENDORS["openai"].quirks)


# ---- callers' own bytes, to a server of the same form


def spliced(body: dict[str, Any], *quirks: str) -> dict[str, Any]:
    raw = json.dumps(body).encode()
    return json.loads(CHAT.splice(raw, CHAT.read_head(raw), body["model"], frozenset(quirks)))


ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_what_needs_no_change_is_the_same_object() -> None:
    raw = json.dumps({**ASKED, "max_tokens": 5, "seed": 1}).encode()
    assert CHAT.splice(raw, CHAT.read_head(raw), "m", frozenset((q.MAX_TOKENS, q.NO_DEVELOPER_ROLE))) is raw
    assert CHAT.splice(raw, CHAT.read_head(raw), "m", frozenset((q.NO_USER,))) is raw


def test_the_newer_name_of_the_output_limit_becomes_the_older() -> None:
    assert spliced({**ASKED, "max_completion_tokens": 5}, q.MAX_TOKENS) == {**ASKED, "max_tokens": 5}
    assert spliced({**ASKED, "max_completion_tokens": 5}) == {**ASKED, "max_completion_tokens": 5}


def test_a_limit_named_both_ways_stays_as_the_caller_wrote_it() -> None:
    both = {**ASKED, "max_completion_tokens": 5, "max_tokens": 6}
    assert spliced(both, q.MAX_TOKENS) == both


def test_a_seed_gets_the_servers_name() -> None:
    assert spliced({**ASKED, "seed": 7}, q.RANDOM_SEED) == {**ASKED, "random_seed": 7}


def test_developers_words_become_the_systems() -> None:
    messages = [{"role": "developer", "content": [{"type": "text", "text": "a developer"}], "x": 1}, *ASKED["messages"]]
    changed = spliced({**ASKED, "messages": messages}, q.NO_DEVELOPER_ROLE)
    assert changed["messages"] == [{**messages[0], "role": "system"}, messages[1]]


@pytest.mark.parametrize(
    "messages", ["developer", [["developer"]], {"role": "developer"}, [{"role": 5, "developer": 1}]]
)
def test_what_is_no_list_of_messages_is_the_servers_to_refuse(messages: Any) -> None:
    assert spliced({**ASKED, "messages": messages}, q.NO_DEVELOPER_ROLE) == {**ASKED, "messages": messages}


def test_a_name_inside_a_message_is_not_touched() -> None:
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": '"max_completion_tokens"', "max_completion_tokens": 1}],
    }
    assert spliced(body, q.MAX_TOKENS) == body


def test_a_streams_usage_is_asked_for_in_a_changed_body_too() -> None:
    changed = spliced({**ASKED, "stream": True, "max_completion_tokens": 5}, q.MAX_TOKENS)
    assert (changed["stream_options"], changed["max_tokens"]) == ({"include_usage": True}, 5)


def test_dimensions_of_embeddings_get_the_servers_name() -> None:
    raw = b'{"model":"m","input":"x","dimensions":8}'
    head = EMBEDDINGS.read_head(raw)
    quirks = frozenset((q.OUTPUT_DIMENSION,))
    assert json.loads(EMBEDDINGS.splice(raw, head, "m", quirks)) == {"model": "m", "input": "x", "output_dimension": 8}
    assert EMBEDDINGS.splice(raw, head, "m") is raw


# ---- answers


def answer(message: dict[str, Any], **more: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return json.dumps({"id": "a", "model": "m", "choices": [choice], **more}).encode()


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_read_wherever_it_stands(name: str) -> None:
    read = CHAT.read_response(answer({"content": "4", name: "2 and 2"}))
    assert read.parts == (Reasoning("2 and 2"), TextPart("4"))


PAGES = ["https://a.example", "https://b.example"]
RESULTS = [{"title": "A", "url": PAGES[0], "date": "2026-01-01", "snippet": "said"}, {"url": PAGES[1]}, {"url": 5}, 7]


def test_pages_beside_the_message_are_its_citations() -> None:
    (part,) = CHAT.read_response(answer({"content": "x [1]"}, citations=PAGES)).parts
    assert part == TextPart("x [1]", citations=tuple(Citation(url=page) for page in PAGES))
    (part,) = CHAT.read_response(answer({"content": "x"}, citations=PAGES, search_results=RESULTS)).parts
    assert isinstance(part, TextPart)
    assert part.citations == (Citation(url=PAGES[0], title="A", cited_text="said"), Citation(url=PAGES[1]))


@pytest.mark.parametrize("told", [5, "x", {"a": 1}, [1, None], None])
def test_sources_of_another_form_are_passed_over(told: Any) -> None:
    (part,) = CHAT.read_response(answer({"content": "x"}, citations=told, search_results=told)).parts
    assert part == TextPart("x", citations=(Citation(url="x"),) if told == ["x"] else ())


def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason, **more.pop("choice", {})}
    return b"data: %s\n\n" % json.dumps({"id": "a", "model": "m", "choices": [choice], **more}).encode()


def test_a_streams_pages_are_cited_once() -> None:
    reader = CHAT.reader()
    events = reader.feed(
        chunk({"role": "assistant", "content": ""}, citations=PAGES)
        + chunk({"content": "x"}, citations=PAGES)
        + chunk({"content": "y"}, "stop", citations=PAGES)
        + b"data: [DONE]\n\n"
    )
    assert [event.citation.url for event in events if isinstance(event, CitationAdded)] == PAGES
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "xy"


USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


@pytest.mark.parametrize(
    "last",
    [
        chunk({}, "stop", usage=USAGE),
        chunk({}, "stop", x_groq={"id": "r", "usage": USAGE}),
        chunk({}, "stop", choice={"usage": USAGE}),
    ],
    ids=["chunk", "x_groq", "choice"],
)
def test_a_streams_usage_is_found_wherever_it_stands(last: bytes) -> None:
    stream = chunk({"content": "x"}) + last + b"data: [DONE]\n\n"
    finished = [event for event in CHAT.reader().feed(stream) if isinstance(event, Finished)]
    assert finished[0].usage is not None
    assert (finished[0].usage.input_tokens, finished[0].usage.output_tokens) == (7, 5)
    raw = b'{"model":"m","messages":[],"stream":true}'
    tail = CHAT.tail(CHAT.read_head(raw))
    tail.feed(stream)
    assert tail.usage == finished[0].usage


@pytest.mark.parametrize("name", ["prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens"])
def test_cached_tokens_are_counted_by_any_name(name: str) -> None:
    usage = CHAT.read_usage(answer({"content": "x"}, usage={**USAGE, name: 3}))
    assert usage is not None
    assert usage.cache_read_tokens == 3


def test_a_total_alone_is_the_input_of_embeddings() -> None:
    usage = EMBEDDINGS.read_usage(b'{"data":[{"embedding":[1.0],"index":0}],"usage":{"total_tokens":9}}')
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (9, 0)
