"""What a target has no word for is refused by name before anything is sent; wrong requests are refused with reasons."""

import json
from typing import Any

import pytest

from tests.support.wire_dialects import TRANSLATED
from turnpike.errors import Inexpressible, InvalidJson, InvalidRequest, UnsupportedOperation
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.profiles import quirks as q
from turnpike.wire.types.embeddings import EmbeddingsRequest

OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]
HI = {"role": "user", "content": "Hi"}

Json = dict[str, Any]


def user(*parts: Json) -> Json:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def call(arguments: str) -> Json:
    made = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    return {"messages": [{"role": "assistant", "content": None, "tool_calls": [made]}]}


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "ash", "format": "wav"}}, "audio"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"chat_template_kwargs": {"x": 1}}, "chat_template_kwargs"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"presence_penalty": -1}, "presence_penalty"),
        ({"stop": [" "]}, "stop"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"response_format": {"type": "grammar"}}, "response_format.type"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
        ({"tool_choice": {"type": "allowed_tools"}, "tools": []}, "tool_choice.type"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages[0].role"),
        (user({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}), "messages[0].content[0]"),
        (user({"type": "file", "file": {"file_id": "file-1"}}), "messages[0].content[0].file_id"),
        (user({"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,AA=="}}), "messages[0].content[0]"),
    ],
)
def test_what_anthropic_has_no_word_for_is_refused_by_name(said: Json, param: str) -> None:
    body = json.dumps({"model": "m", "messages": [HI], **said}).encode()
    with pytest.raises(Inexpressible) as caught:
        ANTHROPIC.write_request(OPENAI.read_request(body), Target("claude-opus-4-5"))
    assert caught.value.details == {"param": param}
    assert f"`{param}`" in caught.value.message


def block(**members: Any) -> Json:
    return {"messages": [{"role": "user", "content": [members]}]}


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"container": "c"}, "container"),
        ({"mcp_servers": []}, "mcp_servers"),
        ({"inference_geo": "us"}, "inference_geo"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        (block(type="server_tool_use", id="s", name="web_search", input={}), "messages[0].content[0].type"),
        (block(type="search_result", source="s", title="t", content=[]), "messages[0].content[0].type"),
        (block(type="image", source={"type": "file", "file_id": "file_1"}), "messages[0].content[0].file_id"),
        (block(type="document", source={"type": "url", "url": "https://x/a.pdf"}), "messages[0].content[0].url"),
        (block(type="document", source={"type": "content", "content": "x"}), "messages[0].content[0].source.type"),
    ],
)
def test_what_openai_has_no_word_for_is_refused_by_name(said: Json, param: str) -> None:
    body = json.dumps({"model": "m", "max_tokens": 5, "messages": [HI], **said}).encode()
    with pytest.raises(Inexpressible) as caught:
        OPENAI.write_request(ANTHROPIC.read_request(body), Target("up"))
    assert caught.value.details == {"param": param}


def test_a_provider_without_json_schemas_is_said_to_have_none() -> None:
    wanted = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    body = json.dumps({"model": "m", "max_tokens": 5, "messages": [HI], "output_config": wanted}).encode()
    with pytest.raises(Inexpressible, match="use a tool"):
        OPENAI.write_request(ANTHROPIC.read_request(body), Target("up", quirks=frozenset((q.NO_JSON_SCHEMA,))))


def test_an_old_claude_without_json_schemas_is_said_to_have_none() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    body = json.dumps({"model": "m", "messages": [HI], "response_format": schema}).encode()
    with pytest.raises(Inexpressible, match="use a tool"):
        ANTHROPIC.write_request(OPENAI.read_request(body), Target("claude-3-haiku-20240307"))


def test_a_dialects_own_fields_are_written_back_to_itself() -> None:
    body = json.dumps({"model": "m", "messages": [HI], "logprobs": True, "x": {"y": [1]}}).encode()
    out = json.loads(OPENAI.write_request(OPENAI.read_request(body), Target("up")))
    assert out == {"model": "up", "messages": [HI], "logprobs": True, "x": {"y": [1]}}


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"messages": "x"}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        (user({"type": "image_url"}), "messages[0].content[0].image_url"),
        (
            user({"type": "image_url", "image_url": {"url": "data:text/plain,hi"}}),
            "messages[0].content[0].image_url.url",
        ),
        (user({"type": "video"}), "messages[0].content[0].type"),
        (user({"type": "file", "file": {}}), "messages[0].content[0].file"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"temperature": "hot"}, "temperature"),
    ],
)
def test_a_wrong_chat_request_is_refused_with_the_field(said: Json, param: str) -> None:
    body = json.dumps({"model": "m", "messages": [HI], **said}).encode()
    with pytest.raises(InvalidRequest) as caught:
        OPENAI.read_request(body)
    assert caught.value.details == {"param": param}
    assert not isinstance(caught.value, Inexpressible)


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        (block(type="image"), "messages[0].content[0].source"),
        (block(type="image", source={"type": "base64"}), "messages[0].content[0].source"),
        (block(type="tool_result", content="x"), "messages[0].content[0].tool_use_id"),
        (block(type="tool_result", tool_use_id="c", content=5), "messages[0].content[0].content"),
        (block(type="tool_use", id="c"), "messages[0].content[0]"),
        ({"thinking": {"type": "hard"}}, "thinking.type"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"system": [{"type": "image", "source": {"type": "url", "url": "u"}}]}, "system[0].type"),
    ],
)
def test_a_wrong_messages_request_is_refused_with_the_field(said: Json, param: str) -> None:
    body = json.dumps({"model": "m", "max_tokens": 5, "messages": [HI], **said}).encode()
    with pytest.raises(InvalidRequest) as caught:
        ANTHROPIC.read_request(body)
    assert caught.value.details == {"param": param}
    assert not isinstance(caught.value, Inexpressible)


@pytest.mark.parametrize("arguments", ["{", "[]", "5", '"x"', "{} {}"])
def test_arguments_that_are_no_object_cannot_go_to_anthropic(arguments: str) -> None:
    body = json.dumps({"model": "m", **call(arguments)}).encode()
    with pytest.raises(InvalidRequest, match="must be JSON of an object"):
        ANTHROPIC.write_request(OPENAI.read_request(body), Target("claude-opus-4-5"))


@pytest.mark.parametrize("name", list(TRANSLATED))
@pytest.mark.parametrize("body", [b"", b"{", b"nope", b"\xff\xfe", b'{"x":' + b"[" * 100_000])
def test_what_is_no_json_is_refused_everywhere(name: str, body: bytes) -> None:
    with pytest.raises(InvalidJson):
        DIALECTS[name].read_request(body)


def test_a_request_of_another_operation_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        OPENAI.write_request(EmbeddingsRequest(model="m", inputs=("x",)), Target("m"))


@pytest.mark.parametrize("name", ["openai_embeddings", "anthropic_count_tokens"])
def test_what_never_streams_says_so(name: str) -> None:
    dialect = DIALECTS[name]
    head = dialect.read_head(b'{"model":"m"}')
    with pytest.raises(UnsupportedOperation, match=name):
        dialect.reader()
    with pytest.raises(UnsupportedOperation, match=name):
        dialect.writer(head, "m")
    tail = dialect.tail(head)
    assert tail.feed(b"x") == b"x"
    assert (tail.end(), tail.finished, tail.usage) == (b"", True, None)
