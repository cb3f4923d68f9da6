"""Whatever a caller or a provider writes, the wire answers with an error of ours or with a result, never with a bug."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.wire_dialects import TRANSLATED
from turnpike.errors import InvalidRequest, RequestError, TurnpikeError, UpstreamError
from turnpike.wire.dialect import Dialect, Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.models import read_models
from turnpike.wire.types.conversation import Request, Response
from turnpike.wire.types.stream import Failed

CONVERSATIONS = [DIALECTS[name] for name in ("openai_chat", "openai_responses", "anthropic_messages")]
EACH = pytest.mark.parametrize("dialect", CONVERSATIONS, ids=[dialect.name for dialect in CONVERSATIONS])
EVERY = pytest.mark.parametrize("dialect", TRANSLATED.values(), ids=TRANSLATED.keys())

WORDS = """
model messages role content type text image_url url tool_calls function name arguments id tool_call_id tools
parameters tool_choice response_format json_schema schema system source data media_type tool_use_id input
is_error thinking signature budget_tokens output_config format effort stop max_tokens choices delta message
finish_reason usage prompt_tokens input_tokens index content_block reasoning_details error code created
input instructions output call_id summary encrypted_content annotations logprobs item response status
incomplete_details include reasoning part refusal audio output_index content_index summary_index arguments
properties required additionalProperties items anyOf stream n user metadata file file_data cache_control
""".split()  # noqa: SIM905
VALUES = """
user assistant tool system text image image_url tool_use tool_result function object thinking json_schema
base64 url data:image/png;base64,AA== data:, { {} auto enabled message_start content_block_start
input_text output_text input_image input_file input_audio function_call function_call_output reasoning message
response.created response.output_item.added response.output_item.done response.output_text.delta
response.reasoning_text.delta response.function_call_arguments.delta response.completed response.failed
content_block_delta message_delta message_stop error document
""".split()  # noqa: SIM905
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2**70)
    | st.floats(allow_nan=False)
    | st.sampled_from(VALUES)
    | st.text(max_size=5)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=25,
)
parts = st.lists(st.dictionaries(st.sampled_from(WORDS), anything, max_size=5).map(lambda d: {"type": "text", **d}))
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(("user", "assistant", "system", "tool", "developer", "king"))},
        optional={
            "content": st.text(max_size=4) | st.none() | parts,
            "tool_calls": anything,
            "tool_call_id": st.text(max_size=4),
            "reasoning_details": anything,
        },
    ),
    max_size=4,
)
schemas = st.fixed_dictionaries(
    {"type": st.just("json_schema"), "json_schema": st.fixed_dictionaries({"name": st.just("x"), "schema": anything})}
)
items = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(("message", "function_call", "function_call_output", "reasoning", "other")),
            "role": st.sampled_from(("user", "assistant", "king")),
            "content": st.text(max_size=4) | parts | anything,
            "call_id": st.text(max_size=4),
            "name": st.text(max_size=4),
            "arguments": anything,
            "output": anything,
            "summary": anything,
            "encrypted_content": st.text(max_size=4),
        },
    ),
    max_size=4,
)
bodies = st.fixed_dictionaries(
    {"model": st.just("m"), "messages": messages},
    optional={
        "system": anything,
        "input": st.text(max_size=4) | anything | items,
        "text": anything,
        "reasoning": anything,
        "tools": anything,
        "tool_choice": anything,
        "response_format": anything | schemas,
        "output_config": anything
        | st.fixed_dictionaries(
            {"format": st.fixed_dictionaries({"type": st.just("json_schema"), "schema": anything})}
        ),
        "thinking": anything,
        "reasoning_effort": st.sampled_from(("none", "low", "max", "huge")),
        "max_tokens": st.integers(-5, 10**6),
        "stop": anything,
        "n": scalars,
        "user": st.text(),
    },
)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@EACH
@settings(max_examples=150)
@given(body=bodies)
def test_any_request_is_read_and_written_or_refused(dialect: Dialect, body: Any) -> None:
    try:
        request = dialect.read_request(encoded(body))
    except RequestError:
        return
    assert isinstance(request, Request)
    for other in (*CONVERSATIONS, DIALECTS["anthropic_count_tokens"]):
        for model in ("claude-opus-4-5", "claude-opus-5-5", "gpt-5.2"):
            try:
                json.loads(other.write_request(request, Target(model)))
            except RequestError:
                continue


@EVERY
@settings(max_examples=150)
@given(body=anything)
def test_any_body_has_a_head_or_is_refused(dialect: Dialect, body: Any) -> None:
    raw = encoded(body)
    try:
        head = dialect.read_head(raw)
    except RequestError:
        return
    spliced = json.loads(dialect.splice(raw, head, "other"))
    if dialect.name == "bedrock_converse":  # nothing of whose body is the gateway's
        assert spliced == json.loads(raw)
    elif "model" in body or not dialect.name.startswith("gemini"):  # whose path names the model
        assert spliced["model"].removeprefix("models/") == "other"
    else:
        assert spliced == json.loads(raw)


@EVERY
@settings(max_examples=150)
@given(body=anything)
def test_any_answer_is_read_or_garbage(dialect: Dialect, body: Any) -> None:
    for read in (dialect.read_response, dialect.read_usage):
        try:
            read(encoded(body))
        except UpstreamError:
            continue
    assert isinstance(dialect.read_error(500, encoded(body)), TurnpikeError)


@EACH
@settings(max_examples=150)
@given(events=st.lists(anything | st.fixed_dictionaries({"choices": anything, "created": scalars}), max_size=5))
def test_any_stream_is_read_or_garbage(dialect: Dialect, events: list[Any]) -> None:
    stream = b"".join(b"data: " + encoded(event) + b"\n\n" for event in events)
    head = dialect.read_head(b'{"model":"m","stream":true}')
    tail, reader, writer = dialect.tail(head), dialect.reader(), dialect.writer(head, "m")
    for chunk in (stream, b"data: [DONE]\n\n", b"event: message_stop\ndata: {}\n\n"):
        tail.feed(chunk)
    tail.end()
    try:
        read = reader.feed(stream + b"data: [DONE]\n\n")
    except UpstreamError:
        return
    for event in read:
        if not isinstance(event, Failed):
            writer.write(event)


@EVERY
@given(noise=st.binary(max_size=200), status=st.integers(0, 700))
def test_noise_is_an_error_of_ours(dialect: Dialect, noise: bytes, status: int) -> None:
    error = dialect.read_error(status, noise)
    assert 400 <= error.status <= 599
    for call in (dialect.read_head, dialect.read_request):
        with pytest.raises(RequestError):
            call(b"\x01" + noise)
    for answer in (dialect.read_response, dialect.read_usage):
        with pytest.raises(UpstreamError):
            answer(b"\x01" + noise)
    tail = dialect.tail(dialect.read_head(b'{"model":"m","stream":true}'))
    try:
        passed = tail.feed(noise) + tail.end()
    except UpstreamError:
        assert dialect.name == "bedrock_converse"  # whose events carry checksums: what is damaged goes no further
    else:
        assert passed == noise or dialect.name == "openai_chat"


@given(st.binary(max_size=100))
def test_noise_is_no_list_of_models(noise: bytes) -> None:
    with pytest.raises(UpstreamError):
        read_models(b"\x01" + noise)


def test_an_empty_user_turn_before_another_is_no_bug() -> None:
    turns = [{"role": "user", "content": []}, {"role": "user", "content": "x"}, {"role": "system", "content": ""}]
    body = encoded({"model": "m", "messages": turns})
    out = DIALECTS["anthropic_messages"].write_request(
        DIALECTS["openai_chat"].read_request(body), Target("claude-opus-5")
    )
    assert [message["role"] for message in json.loads(out)["messages"]] == ["user", "user"]


@pytest.mark.parametrize(
    "schema",
    [
        5,
        [],
        {"type": "object", "properties": 5, "required": [{}]},
        {"type": "object", "properties": {"a": {}}, "required": [{}], "additionalProperties": False},
        {"properties": {"a": []}, "required": 5, "additionalProperties": False},
        {"format": []},
        {"type": ["object", "null"], "anyOf": 5},
        {"additionalProperties": {"x": 1}, "type": "object"},
        {"description": 5, "minimum": 1},
    ],
)
def test_a_schema_that_is_none_goes_on_for_the_provider_to_judge(schema: Any) -> None:
    openai, _, anthropic = CONVERSATIONS
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    body = encoded({"model": "m", "messages": [], "response_format": wanted})
    out = anthropic.write_request(openai.read_request(body), Target("claude-opus-4-5"))
    assert "format" in json.loads(out)["output_config"]
    assert "response_format" in json.loads(openai.write_request(anthropic.read_request(out), Target("m")))


def test_a_schema_nested_too_deeply_is_refused() -> None:
    deep = b'{"items":' * 900 + b"{}" + b"}" * 900
    tool = b'{"type":"function","function":{"name":"f","strict":true,"parameters":' + deep + b"}}"
    openai, _, anthropic = CONVERSATIONS
    request = openai.read_request(b'{"model":"m","messages":[],"tools":[' + tool + b"]}")
    with pytest.raises(InvalidRequest, match="nested too deeply"):
        anthropic.write_request(request, Target("claude-opus-4-5"))


@pytest.mark.parametrize("count", ["-5", "1e400", "99999999999999999999", '"7"', "1.5"])
@EACH
def test_a_count_that_is_none_makes_the_usage_unknown_and_nothing_worse(dialect: Dialect, count: str) -> None:
    usage = f'"usage":{{"prompt_tokens":{count},"input_tokens":{count},"completion_tokens":1,"output_tokens":1}}'
    message = '"choices":[{"message":{"content":"x"}}],"content":[{"type":"text","text":"x"}]'
    message += ',"output":[{"type":"message","role":"assistant","content":"x"}]'
    body = f"{{{message},{usage}}}".encode()
    assert dialect.read_usage(body) is None
    read = dialect.read_response(body)
    assert read.usage is None
    assert isinstance(read, Response)
    assert len(read.parts) == 1


@pytest.mark.parametrize("limit", ["-1", "9007199254740993", "1e3", "true"])
@EACH
def test_a_limit_that_is_none_is_refused(dialect: Dialect, limit: str) -> None:
    name = "max_output_tokens" if dialect.name == "openai_responses" else "max_tokens"
    with pytest.raises(InvalidRequest, match=f"`{name}` is wrong"):
        dialect.read_head(f'{{"model":"m","{name}":{limit}}}'.encode())
