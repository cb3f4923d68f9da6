"""Answers as real servers write them: what differs from the reference forms, and what is made of it."""

import json
from typing import Any

import pytest

from turnpike.errors import UpstreamCut, UpstreamGarbage, UpstreamRefused
from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.conversation import Reasoning, Refusal, Response, StopReason, TextPart, ToolCall
from turnpike.wire.types.stream import Event, Failed, Finished, PartClosed, PartOpened, collect
from turnpike.wire.types.usage import Usage

OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]

Json = dict[str, Any]


def whole(message: Json, finish: str | None = "stop", **more: Any) -> Response:
    body = {"id": "c", "model": "m", "choices": [{"message": message, "finish_reason": finish}], **more}
    read = OPENAI.read_response(json.dumps(body).encode())
    assert isinstance(read, Response)
    return read


def stream(dialect: Dialect, *payloads: Json | str) -> list[Event]:
    reader = dialect.reader()
    lines = [payload if isinstance(payload, str) else json.dumps(payload) for payload in payloads]
    events = [event for line in lines for event in reader.feed(f"data: {line}\n\n".encode())]
    return events + reader.end()


def deltas(*many: Json, finish: str = "stop", usage: Json | None = None) -> list[Event]:
    chunks: list[Json | str] = [{"id": "c", "model": "m", "choices": [{"delta": delta}]} for delta in many]
    chunks.append({"choices": [{"delta": {}, "finish_reason": finish}]})
    if usage is not None:
        chunks.append({"choices": [], "usage": usage})
    return stream(OPENAI, *chunks, "[DONE]")


def call(index: int | None, call_id: str | None, name: str | None, arguments: str) -> Json:
    made: Json = {"function": {"arguments": arguments}}
    if name is not None:
        made["function"]["name"] = name
    if index is not None:
        made["index"] = index
    if call_id is not None:
        made |= {"id": call_id, "type": "function"}
    return {"tool_calls": [made]}


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_read_under_either_name(field: str) -> None:
    expected = (Reasoning("hm"), TextPart("Hi"))
    assert whole({"content": "Hi", field: "hm"}).parts == expected
    assert collect(deltas({field: "h", "content": ""}, {field: "m"}, {"content": "Hi"})).parts == expected


def test_openrouters_details_say_more_than_its_text() -> None:
    details = [
        {"type": "reasoning.text", "text": "hm", "signature": None},
        {"type": "reasoning.text", "text": "", "signature": "sig"},
        {"type": "reasoning.encrypted", "data": "xyz"},
    ]
    streamed = collect(deltas(*({"reasoning": "hm", "reasoning_details": [one]} for one in details), {"content": "a"}))
    assert streamed.parts == (Reasoning("hm", "sig"), Reasoning(redacted="xyz"), TextPart("a"))


def test_mistrals_list_of_thinking_and_text_is_read() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "Hi"},
    ]
    assert whole({"content": content}).parts == (Reasoning("hm"), TextPart("Hi"))
    streamed = collect(deltas({"content": content[:1]}, {"content": "Hi"}))
    assert streamed.parts == (Reasoning("hm"), TextPart("Hi"))


def test_a_forced_call_that_ends_with_stop_is_a_call() -> None:
    message = {"content": None, "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": "{}"}}]}
    assert whole(message).stop_reason is StopReason.TOOL_CALLS
    assert collect(deltas(call(0, "c1", "f", "{}"))).stop_reason is StopReason.TOOL_CALLS


def test_arguments_written_as_an_object_are_text_all_the_same() -> None:
    message = {"tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}}]}
    (part,) = whole(message).parts
    assert isinstance(part, ToolCall)
    assert json.loads(part.arguments) == {"a": 1}


def test_a_call_without_an_id_gets_the_same_one_streamed_or_not() -> None:
    message = {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    (one,) = whole(message).parts
    (other,) = collect(deltas(call(0, None, "f", "{}"))).parts
    assert isinstance(one, ToolCall)
    assert one == other
    assert one.id.startswith("call_")


def test_parallel_calls_are_told_apart_by_index() -> None:
    events = deltas(
        call(0, "a", "f", ""), call(0, None, None, '{"x":'), call(0, None, None, "1}"), call(1, "b", "g", "{}")
    )
    assert collect(events).parts == (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}"))


@pytest.mark.parametrize("index", [0, None])
def test_parallel_calls_that_are_all_numbered_alike_are_told_apart_by_id(index: int | None) -> None:
    events = deltas(call(index, "a", "f", "{}"), call(index, "b", "g", "{}"))
    assert collect(events).parts == (ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}"))


def test_blocks_open_and_close_one_after_the_other() -> None:
    events = deltas({"reasoning": "a"}, {"content": "b"}, call(0, "a", "f", "{}"), {"content": "c"})
    marks = [(type(event).__name__, event.index) for event in events if isinstance(event, (PartOpened, PartClosed))]
    expected = [(kind, index) for index in range(4) for kind in ("PartOpened", "PartClosed")]
    assert marks == expected


def test_a_refusal_is_a_refusal() -> None:
    assert whole({"content": None, "refusal": "No."}).parts == (Refusal("No."),)
    assert whole({"content": None, "refusal": "No."}).stop_reason is StopReason.REFUSAL
    streamed = collect(deltas({"refusal": "N"}, {"refusal": "o."}))
    assert (streamed.parts, streamed.stop_reason) == ((Refusal("No."),), StopReason.REFUSAL)


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("length", StopReason.MAX_TOKENS),
        ("content_filter", StopReason.REFUSAL),
        ("function_call", StopReason.TOOL_CALLS),
        ("eos", StopReason.END),
        ("model_length", StopReason.CONTEXT_EXCEEDED),
        ("something_new", StopReason.END),
        (None, StopReason.END),
    ],
)
def test_reasons_to_stop_are_understood(finish: str | None, stop: StopReason) -> None:
    assert whole({"content": "x"}, finish).stop_reason is stop


def test_usage_comes_in_a_chunk_of_its_own_or_with_the_last_choice() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    assert collect(deltas({"content": "a"}, usage=usage)).usage == Usage(3, 2)
    last = {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}], "usage": usage}
    assert collect(stream(OPENAI, last, "[DONE]")).usage == Usage(3, 2)


def test_comments_and_azures_first_chunk_without_choices_are_passed_over() -> None:
    reader = OPENAI.reader()
    chunk = json.dumps({"id": "c", "choices": [{"delta": {"content": "a"}}]})
    data = f': PROCESSING\n\ndata: {{"choices":[],"filters":[]}}\n\ndata: {chunk}\n\ndata: [DONE]\n\n'
    assert collect(reader.feed(data.encode()) + reader.end()).parts == (TextPart("a"),)


def test_an_error_in_a_good_answer_is_an_error() -> None:
    with pytest.raises(UpstreamRefused, match="no credits") as caught:
        OPENAI.read_response(b'{"error":{"message":"no credits","code":402}}')
    assert caught.value.status == 402


def test_an_error_in_a_stream_is_an_event_and_the_last() -> None:
    events = stream(
        OPENAI,
        {"id": "c", "choices": [{"delta": {"content": "a"}}]},
        {"error": {"message": "overloaded", "code": 502, "type": "server_error"}, "choices": [{"delta": {}}]},
        {"id": "c", "choices": [{"delta": {"content": "b"}}]},
    )
    assert events[-1] == Failed(message="overloaded", status=502, code="502", kind="server_error")
    with pytest.raises(UpstreamRefused, match="overloaded"):
        collect(events)


@pytest.mark.parametrize("payload", ["not json", "[1]", '{"choices":"x"}'])
def test_what_is_no_chunk_is_garbage(payload: str) -> None:
    with pytest.raises(UpstreamGarbage):
        stream(OPENAI, payload)


def test_a_stream_of_nothing_but_its_end_is_garbage() -> None:
    with pytest.raises(UpstreamGarbage):
        stream(OPENAI, "[DONE]")


def test_a_stream_without_its_end_is_cut() -> None:
    with pytest.raises(UpstreamCut):
        stream(OPENAI, {"id": "c", "choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]})
    with pytest.raises(UpstreamCut):
        stream(ANTHROPIC, {"type": "message_start", "message": {"id": "m"}})


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"choices":[]}', b'{"choices":[{}]}', b'{"choices":5}', b"[]"]
)
def test_what_is_no_chat_completion_is_garbage(body: bytes) -> None:
    with pytest.raises(UpstreamGarbage):
        OPENAI.read_response(body)


# ---- Anthropic


def messages(*events: Json) -> list[Event]:
    start = {
        "type": "message_start",
        "message": {"id": "m", "model": "c", "usage": {"input_tokens": 7, "output_tokens": 1}},
    }
    return stream(ANTHROPIC, start, {"type": "ping"}, *events)


END: tuple[Json, Json] = (
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
    {"type": "message_stop"},
)


def block(index: int, content: Json, *pieces: Json) -> list[Json]:
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": piece} for piece in pieces),
        {"type": "content_block_stop", "index": index},
    ]


def test_a_call_without_arguments_has_an_empty_object_streamed_or_not() -> None:
    use = {"type": "tool_use", "id": "t", "name": "now", "input": {}}
    streamed = collect(messages(*block(0, use, {"type": "input_json_delta", "partial_json": ""}), *END))
    body = {"id": "m", "model": "c", "content": [use], "stop_reason": "tool_use"}
    read = ANTHROPIC.read_response(json.dumps(body).encode())
    assert isinstance(read, Response)
    assert streamed.parts == read.parts == (ToolCall("t", "now", "{}"),)


def test_blocks_of_anthropics_own_tools_are_passed_over() -> None:
    search = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result"}]}
    use = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    text = {"type": "text", "text": ""}
    events = messages(
        *block(0, use, {"type": "input_json_delta", "partial_json": '{"query":"x"}'}),
        *block(1, search),
        *block(2, text, {"type": "text_delta", "text": "Found"}, {"type": "citations_delta", "citation": {}}),
        *END,
    )
    assert collect(events).parts == (TextPart("Found"),)
    body = {"id": "m", "content": [use, search, {"type": "text", "text": "Found"}], "stop_reason": "end_turn"}
    read = ANTHROPIC.read_response(json.dumps(body).encode())
    assert isinstance(read, Response)
    assert read.parts == (TextPart("Found"),)


def test_counts_of_a_stream_are_totals_that_later_ones_replace() -> None:
    late = {"output_tokens": 5, "input_tokens": 9, "cache_read_input_tokens": 3}
    events = messages(*block(0, {"type": "text", "text": "a"}), {**END[0], "usage": late}, END[1])
    assert collect(events).usage == Usage(12, 5, 3)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.stop_reason is StopReason.END


def test_an_anthropic_error_event_is_the_last() -> None:
    events = messages({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, END[1])
    assert events[-1] == Failed(message="Overloaded", status=529, kind="overloaded_error")


@pytest.mark.parametrize("payload", ["x", "[]", '{"type":"message_start"}', '{"type":"message_stop"}'])
def test_what_is_no_anthropic_stream_is_garbage(payload: str) -> None:
    with pytest.raises(UpstreamGarbage):
        stream(ANTHROPIC, payload)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"content":5}', b'{"content":[{"text":"x"}]}'])
def test_what_is_no_message_is_garbage(body: bytes) -> None:
    with pytest.raises(UpstreamGarbage):
        ANTHROPIC.read_response(body)
