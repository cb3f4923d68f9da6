"""The Responses form: items, built-in tools, streams as OpenAI and servers of open models write them, and its tail."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.errors import Inexpressible, InvalidRequest, UpstreamCut, UpstreamRefused
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.openai_responses.tail import MAX_KEPT_BYTES
from turnpike.wire.types.conversation import (
    AudioPart,
    Citation,
    Message,
    Reasoning,
    Refusal,
    Request,
    Response,
    ServerItem,
    StopReason,
    TextPart,
    TokenLogprob,
    ToolCall,
    ToolChoice,
    TopLogprob,
)
from turnpike.wire.types.stream import Failed, collect, events_of
from turnpike.wire.types.usage import Usage

from .strategies import base64_data, text

RESPONSES = DIALECTS["openai_responses"]
CHAT = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]
HEAD = RESPONSES.read_head(b'{"model":"m","stream":true}')
Json = dict[str, Any]
places = st.lists(st.integers(0, 100_000), max_size=12)
TOOL: Json = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}


def read(**members: Any) -> Request:
    request = RESPONSES.read_request(json.dumps({"model": "m", "input": "hi", **members}).encode())
    assert isinstance(request, Request)
    return request


def written(dialect: Any, request: Request, model: str = "m") -> Json:
    return json.loads(dialect.write_request(request, Target(model)))


def events(*kinds_and_members: tuple[str, Json], end: bytes = b"\n\n") -> bytes:
    line = end[: len(end) // 2]
    out = b""
    for number, (kind, members) in enumerate(kinds_and_members):
        data = {"type": kind, "sequence_number": number, **members}
        out += b"event: " + kind.encode() + line + b"data: " + json.dumps(data).encode() + end
    return out


def pieces(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in at}), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


# ---- requests


def test_what_the_model_said_is_one_message_and_results_another() -> None:
    request = read(
        instructions="be kind",
        input=[
            {"role": "user", "content": "hi"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2VhbA=="},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "one moment"}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}", "id": "fc_1"},
            {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "1"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "2"}]},
        ],
    )
    assert [message.role for message in request.messages] == ["system", "user", "assistant", "tool"]
    assert [type(part) for part in request.messages[2].parts] == [Reasoning, TextPart, ToolCall, ToolCall]
    chat = written(CHAT, request)["messages"]
    assert [message["role"] for message in chat] == ["system", "user", "assistant", "tool", "tool"]
    assert len(chat[2]["tool_calls"]) == 2
    back = written(RESPONSES, request)
    assert back["instructions"] == "be kind"
    assert back["input"][1] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "c2VhbA==",
    }


@pytest.mark.parametrize(
    ("choice", "expected", "offered"),
    [
        ("required", ToolChoice("required"), ["f", "g"]),
        ({"type": "function", "name": "f"}, ToolChoice("tool", "f"), ["f", "g"]),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]},
            ToolChoice("required"),
            ["g"],
        ),
    ],
)
def test_every_choice_of_functions_is_understood(choice: Any, expected: ToolChoice, offered: list[str]) -> None:
    request = read(tools=[TOOL, {**TOOL, "name": "g"}], tool_choice=choice)
    assert request.tool_choice == expected
    assert [tool.name for tool in request.tools] == offered


def test_allowed_tools_of_chat_completions_are_understood() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
    allowed = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "g"}}]}
    body = {"model": "m", "messages": [], "tools": tools}
    body["tool_choice"] = {"type": "allowed_tools", "allowed_tools": allowed}
    request = CHAT.read_request(json.dumps(body).encode())
    assert isinstance(request, Request)
    assert (request.tool_choice, [tool.name for tool in request.tools]) == (ToolChoice("auto"), ["g"])


def test_built_in_tools_and_their_items_come_back_as_they_were() -> None:
    tools = [
        TOOL,
        {"type": "mcp", "server_label": "s", "server_url": "https://x.test"},
        {"type": "custom", "name": "c"},
    ]
    items = [
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "custom_tool_call", "call_id": "c", "name": "c", "input": "free text"},
    ]
    request = read(tools=tools, input=[{"role": "user", "content": "x"}, *items], tool_choice={"type": "mcp"})
    back = written(RESPONSES, request)
    assert back["tools"][1:] == tools[1:]
    assert back["input"][1:] == items
    assert back["tool_choice"] == {"type": "mcp"}
    for other in (CHAT, ANTHROPIC):
        with pytest.raises(Inexpressible):
            other.write_request(request, Target("m"))


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"input": [{"type": "message", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": 5}]}]}, "input[0].content[0].text"),
        ({"input": [{}]}, "input[0].type"),
        ({"input": [{"role": "king", "content": "x"}]}, "input[0].role"),
        ({"tools": [{"name": "f"}]}, "tools[0].type"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(members: Json, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(**members)
    assert caught.value.details["param"] == param


def test_reasoning_is_sent_back_to_openai_only_when_it_sealed_it() -> None:
    parts = (Reasoning("a", "openai:rs_1:c2VhbA=="), Reasoning("b", "c2ln"), Reasoning(redacted="x"), Reasoning("d"))
    request = Request(model="m", messages=(Message("assistant", (*parts, TextPart("t"))),), max_output_tokens=9)
    sent = written(RESPONSES, request)["input"]
    assert [item["type"] for item in sent] == ["reasoning", "message"]
    assert sent[0]["encrypted_content"] == "c2VhbA=="
    claude = written(ANTHROPIC, request, "claude-opus-4-5")["messages"][0]["content"]
    assert [block["type"] for block in claude] == ["thinking", "redacted_thinking", "text"]
    assert claude[0]["signature"] == "c2ln"


def test_nothing_is_stored_at_openai_unless_the_caller_says_so() -> None:
    chat = CHAT.read_request(b'{"model":"m","messages":[{"role":"user","content":"x"}]}')
    assert isinstance(chat, Request)
    body = written(RESPONSES, chat, "gpt-5")
    assert (body["store"], body["include"]) == (False, ["reasoning.encrypted_content"])
    assert "include" not in written(RESPONSES, chat, "gpt-4o")
    assert written(RESPONSES, read(store=True))["store"] is True


# ---- answers


def support() -> st.SearchStrategy[TextPart]:
    logprob = st.floats(-50, 0)
    token = st.builds(
        lambda word, value: TokenLogprob(
            word, value, tuple(word.encode()), (TopLogprob(word, value, tuple(word.encode())),)
        ),
        text,
        logprob,
    )
    page = st.builds(
        lambda title, start: Citation(url="https://e.com", title=title, start=start, end=start + 1),
        text,
        st.integers(0, 9),
    )
    return st.builds(
        lambda said, pages, tokens: TextPart(said, citations=tuple(pages), logprobs=tuple(tokens)),
        text,
        st.lists(page, max_size=2),
        st.lists(token, max_size=2),
    )


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES], ids=["openai_chat", "openai_responses"])
@given(part=support(), at=places)
def test_citations_and_logprobs_survive_openais_dialects(dialect: Any, part: TextPart, at: list[int]) -> None:
    answer = Response(id="i", model="m", parts=(part,), usage=Usage(1, 1))
    assert dialect.read_response(dialect.write_response(answer, "m")).parts == (part,)
    writer = dialect.writer(dialect.read_head(b'{"model":"m","stream":true}'), "m")
    stream = b"".join(writer.write(event) for event in events_of(answer))
    reader = dialect.reader()
    events = [event for piece in pieces(stream, at) for event in reader.feed(piece)] + reader.end()
    assert collect(events).parts == (part,)


@given(base64_data, text, places)
def test_sound_survives_chat_completions(data: str, transcript: str, at: list[int]) -> None:
    part = AudioPart(data, "wav", id="audio_1", transcript=transcript, expires_at_s=7)
    answer = Response(id="i", model="m", parts=(part,))
    assert CHAT.read_response(CHAT.write_response(answer, "m")).parts == (part,)  # pyright: ignore[reportAttributeAccessIssue]
    writer = CHAT.writer(CHAT.read_head(b'{"model":"m","stream":true}'), "m")
    stream = b"".join(writer.write(event) for event in events_of(answer))
    reader = CHAT.reader()
    assert collect([e for piece in pieces(stream, at) for e in reader.feed(piece)] + reader.end()).parts == (part,)


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES, ANTHROPIC], ids=["chat", "responses", "messages"])
def test_a_signed_call_reaches_the_caller_and_comes_back_and_goes_to_no_other_provider(dialect: Any) -> None:
    call = ToolCall("call_1", "f", "{}", signature="c2ln")
    answer = Response(id="i", model="m", parts=(call,), stop_reason=StopReason.TOOL_CALLS)
    assert dialect.read_response(dialect.write_response(answer, "m")).parts == (call,)
    writer, reader = dialect.writer(dialect.read_head(b'{"model":"m","stream":true}'), "m"), dialect.reader()
    assert collect(reader.feed(b"".join(writer.write(event) for event in events_of(answer)))).parts == (call,)
    request = Request(model="m", messages=(Message("assistant", (call,)),), max_output_tokens=9)
    assert b"c2ln" not in dialect.write_request(request, Target("m"))


@pytest.mark.parametrize(
    ("parts", "stop", "status", "reason"),
    [
        ((TextPart("x"),), StopReason.END, "completed", None),
        ((TextPart("x"),), StopReason.MAX_TOKENS, "incomplete", "max_output_tokens"),
        ((TextPart("x"),), StopReason.REFUSAL, "incomplete", "content_filter"),
        ((Refusal("no"),), StopReason.REFUSAL, "completed", None),
        ((ToolCall("c", "f", "{}"),), StopReason.TOOL_CALLS, "completed", None),
    ],
)
def test_why_an_answer_stopped_is_told(parts: Any, stop: StopReason, status: str, reason: str | None) -> None:
    body = RESPONSES.write_response(Response(id="i", model="m", parts=parts, stop_reason=stop), "m")
    told = json.loads(body)
    assert told["status"] == status
    assert (told["incomplete_details"] or {}).get("reason") == reason
    assert RESPONSES.read_response(body).stop_reason is stop  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("code", "status"), [("rate_limit_exceeded", 429), ("server_error", 500), ("invalid_prompt", 400), ("new", 502)]
)
def test_a_failed_response_is_an_error_of_its_class(code: str, status: int) -> None:
    failed = {"id": "r", "status": "failed", "output": [], "error": {"code": code, "message": "key sk-abcdef123456"}}
    with pytest.raises(UpstreamRefused) as caught:
        RESPONSES.read_response(json.dumps(failed).encode())
    assert (caught.value.status, caught.value.message) == (status, "key [removed]")
    stream = events(("response.created", {"response": {"id": "r"}}), ("response.failed", {"response": failed}))
    (*_, last) = RESPONSES.reader().feed(stream)
    assert isinstance(last, Failed)
    assert (last.status, last.code) == (status, code)


def test_searches_are_counted() -> None:
    usage = {"input_tokens": 3, "output_tokens": 2}
    calls = [{"type": "web_search_call", "action": {"type": kind}} for kind in ("search", "open_page", "search")]
    counted = RESPONSES.read_usage(json.dumps({"usage": usage, "output": calls}).encode())
    assert counted == Usage(3, 2, web_searches=2)
    told = {"usage": usage, "output": calls, "tool_usage": {"web_search": {"num_requests": 1}}}
    assert RESPONSES.read_usage(json.dumps(told).encode()) == Usage(3, 2, web_searches=1)


# ---- streams of servers


def test_a_stream_of_an_open_models_server_is_read() -> None:
    """Reasoning as content, a call whose arguments come only at its end, and no parts announced."""
    stream = events(
        ("response.created", {"response": {"id": "r", "model": "up", "created_at": 5.0}}),
        ("response.output_item.added", {"output_index": 0, "item": {"type": "reasoning", "id": "x", "summary": []}}),
        ("response.reasoning_text.delta", {"output_index": 0, "content_index": 0, "delta": "hm"}),
        ("response.output_item.done", {"output_index": 0, "item": {"type": "reasoning", "id": "x"}}),
        ("response.output_text.delta", {"output_index": 1, "content_index": 0, "delta": "yes"}),
        ("response.output_item.done", {"output_index": 1, "item": {"type": "message", "role": "assistant"}}),
        (
            "response.output_item.done",
            {"output_index": 2, "item": {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}},
        ),
        (
            "response.completed",
            {"response": {"id": "r", "status": "completed", "usage": {"input_tokens": 1, "output_tokens": 2}}},
        ),
    )
    answer = collect(RESPONSES.reader().feed(stream))
    assert answer.parts == (Reasoning("hm"), TextPart("yes"), ToolCall("c", "f", "{}"))
    assert (answer.stop_reason, answer.usage, answer.created_s) == (StopReason.TOOL_CALLS, Usage(1, 2), 5)


def test_a_stream_that_holds_only_its_end_is_read() -> None:
    output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]}]
    stream = events(("response.completed", {"response": {"id": "r", "status": "completed", "output": output}}))
    assert collect(RESPONSES.reader().feed(stream)).parts == (TextPart("x"),)


def test_items_of_built_in_tools_are_parts_once_they_are_whole() -> None:
    item = {"type": "web_search_call", "id": "ws", "status": "completed"}
    stream = events(
        ("response.created", {"response": {"id": "r"}}),
        ("response.output_item.added", {"output_index": 0, "item": item}),
        ("response.web_search_call.searching", {"output_index": 0, "item_id": "ws"}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": {"id": "r", "status": "completed"}}),
    )
    (part,) = collect(RESPONSES.reader().feed(stream)).parts
    assert isinstance(part, ServerItem)
    assert (part.dialect, part.kind, json.loads(bytes(part.raw))) == ("openai_responses", "web_search_call", item)


def test_a_stream_that_breaks_off_is_no_answer() -> None:
    reader = RESPONSES.reader()
    reader.feed(events(("response.created", {"response": {"id": "r"}})))
    with pytest.raises(UpstreamCut):
        reader.end()


# ---- the tail

NASTY = ['"response.completed"', "event: response.completed\n\n", 'error"', "\\", "é☃", '{"type":"error"}']
REPORTED = {"input_tokens": 30, "output_tokens": 9, "input_tokens_details": {"cached_tokens": 10}}


def stream_of(*, end: bytes = b"\n\n", long: int = 0, last: str = "response.completed", **more: Any) -> bytes:
    begun = {"id": "r", "error": None, "tools": [{"type": "x", "enum": ["response.completed"]}]}
    deltas = [("response.output_text.delta", {"delta": word}) for word in NASTY]
    whole = {**begun, "status": last[9:], "output": [{"text": "y" * long}], "usage": REPORTED, **more}
    return events(("response.created", {"response": begun}), *deltas, (last, {"response": whole}), end=end)


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("last", ["response.completed", "response.incomplete"])
@given(at=places)
def test_a_stream_passes_unchanged_and_its_usage_is_found(end: bytes, last: str, at: list[int]) -> None:
    stream = stream_of(end=end, long=5000, last=last)
    tail = RESPONSES.tail(HEAD)
    chunks = pieces(stream, at)
    assert [tail.feed(chunk) for chunk in chunks] == chunks
    assert tail.end() == b""
    assert (tail.usage, tail.finished, tail.error, tail.output_bytes) == (Usage(30, 9, 10), True, None, len(stream))


def test_a_stream_cut_at_every_byte_is_understood() -> None:
    stream = stream_of(long=300, end=b"\r\n\r\n")
    tail = RESPONSES.tail(HEAD)
    for place in range(len(stream)):
        tail.feed(stream[place : place + 1])
    assert (tail.usage, tail.finished) == (Usage(30, 9, 10), True)


def test_a_stream_without_its_last_blank_line_is_understood() -> None:
    tail = RESPONSES.tail(HEAD)
    tail.feed(stream_of()[:-2])
    assert not tail.finished
    tail.end()
    assert (tail.usage, tail.finished) == (Usage(30, 9, 10), True)


def test_a_last_event_beyond_the_bound_ends_the_stream_with_unknown_usage() -> None:
    tail = RESPONSES.tail(HEAD)
    stream = stream_of(long=MAX_KEPT_BYTES + 3_000_000)
    for start in range(0, len(stream), 1_000_000):
        tail.feed(stream[start : start + 1_000_000])
    assert (tail.usage, tail.finished) == (None, True)


def test_a_long_event_that_does_not_matter_is_not_kept() -> None:
    tail: Any = RESPONSES.tail(HEAD)
    item = {"item": {"type": "image_generation_call", "result": "z" * 500_000}}
    for piece in pieces(events(("response.output_item.done", item)), list(range(0, 500_000, 10_000)))[:-1]:
        tail.feed(piece)
        assert sum(map(len, tail._pieces)) < 20_000
    tail.feed(b"\n\n" + stream_of())
    assert tail.finished


@given(at=places)
def test_a_failure_is_seen_and_its_usage_counted(at: list[int]) -> None:
    stream = stream_of(last="response.failed", error={"code": "rate_limit_exceeded", "message": "slow"})
    tail = RESPONSES.tail(HEAD)
    assert b"".join(tail.feed(piece) for piece in pieces(stream, at)) == stream
    assert tail.error is not None
    assert (tail.error.status, tail.error.message, tail.finished) == (429, "slow", False)


@pytest.mark.parametrize(
    "error",
    [
        {"code": "server_error", "message": "sk-abcdef123456 broke"},
        {"error": {"code": "server_error", "message": "sk-abcdef123456 broke"}},
    ],
)
@given(at=places)
def test_an_error_event_of_either_form_is_seen(error: Json, at: list[int]) -> None:
    stream = events(("response.created", {"response": {"id": "r", "error": None}}), ("error", error))
    tail = RESPONSES.tail(HEAD)
    assert b"".join(tail.feed(piece) for piece in pieces(stream, at)) == stream
    assert tail.error is not None
    assert (tail.error.status, tail.error.message, tail.finished) == (500, "[removed] broke", False)
