"""The fast lane of a request: heads, owned fields and splicing in place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.wire_dialects import TRANSLATED
from turnpike.errors import InvalidJson, InvalidRequest
from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.common.alone import with_model
from turnpike.wire.dialects.common.body import BODY_ERRORS, top_level
from turnpike.wire.operations import ENDPOINTS
from turnpike.wire.profiles.quirks import NO_STREAM_OPTIONS

from .strategies import json_values, text

OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]
RESPONSES = DIALECTS["openai_responses"]
EVERY = pytest.mark.parametrize("dialect", TRANSLATED.values(), ids=TRANSLATED.keys())

TRICKY = [
    b'{"model":"gpt-4o","messages":[]}',
    b'{ "messages" : [ {"role":"user","content":"\\"model\\": \\"x\\""} ] , "model" : "gpt-4o" }',
    b'{"tools":[{"parameters":{"properties":{"model":{"type":"string"}}}}],"model":"gpt-4o","a":{"model":1}}',
    b'{"model": "gpt-4o", "metadata": {"model": "other", "kind": "model"}, "user": "model"}',
    b'{"user":"model","x":["model"],"model":\n\t"gpt-4o","stop":["}","]","{\\"model\\":1"]}',
    b'{"mod\\u0065l":"gpt-4o","n":1}',
    b'{"a\\\\":{"model":2},"model":"gpt\\u002d4o","z":"\\\\"}',
    b'{"key \\"model":1,"model":"gpt-4o","b\\"model":[{"model":3}]}',
    '{"messages":["módèl ☃ \\u006dodel"],"model":"gpt-4o"}'.encode(),
]


@pytest.mark.parametrize("body", TRICKY)
@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC, RESPONSES], ids=["openai", "anthropic", "responses"])
def test_the_model_at_the_top_level_is_replaced_wherever_it_stands(dialect: Dialect, body: bytes) -> None:
    head = dialect.read_head(body)
    assert head.model == "gpt-4o"
    assert dialect.splice(body, head, "gpt-4o") is body
    spliced = dialect.splice(body, head, 'new "model"')
    assert json.loads(spliced) == {**json.loads(body), "model": 'new "model"'}


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"a","messages":[{"model":1}],"mod\\u0065l":"b"}',
        b'{"\\u006d\\u006F\\u0064\\u0065\\u006c":"a","mode\\u006C":"b"}',
        b'{"model":"a","x":{},"model":"a"}',
    ],
)
@EVERY
def test_a_model_named_twice_is_refused(dialect: Dialect, body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="`model` stands in the body twice") as caught:
        dialect.read_head(body)
    assert caught.value.details == {"param": "model"}


@pytest.mark.parametrize("field", ["stream", "max_tokens", "max_completion_tokens", "n", "stream_options"])
def test_every_owned_field_may_stand_once(field: str) -> None:
    value = {"stream": b"true", "stream_options": b"{}"}.get(field, b"5")
    body = b'{"model":"a","%b":%b,"%b":%b}' % (field.encode(), value, field.encode(), value)
    with pytest.raises(InvalidRequest, match=f"`{field}` stands in the body twice"):
        OPENAI.read_head(body)


@EVERY
def test_a_refused_body_leaves_no_trace_on_the_next(dialect: Dialect) -> None:
    for _ in range(2):
        with pytest.raises(InvalidRequest):
            dialect.read_head(b'{"model":"a","model":"b"}')
        with pytest.raises(InvalidJson):
            dialect.read_head(b'{"model":"a",')
        assert dialect.read_head(b'{"model":"a"}').model == "a"


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"", InvalidJson, "ends before"),
        (b"{", InvalidJson, "ends before"),
        (b'{"model":"a",}', InvalidJson, "byte 13"),
        (b'{"model":"a"} x', InvalidJson, "trailing characters at byte 1[45]"),
        (b'{"x":' + b"[" * 200_000, InvalidJson, "nested too deeply"),
        (b'{"model":"\xff"}', InvalidJson, "UTF-8|byte"),
        (b"[]", InvalidRequest, "object"),
        (b"{}", InvalidRequest, "`model` is required"),
        (b'{"model":5}', InvalidRequest, "`model` is wrong"),
        (b'{"model":null}', InvalidRequest, "`model` is wrong"),
        (b'{"model":"a","stream":"yes"}', InvalidRequest, "`stream` is wrong"),
    ],
)
@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC], ids=["openai", "anthropic"])
def test_a_wrong_body_says_what_is_wrong_and_where(
    dialect: Dialect, body: bytes, error: type[InvalidRequest], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        dialect.read_head(body)
    assert type(caught.value) is error


def test_the_position_of_broken_json_is_in_the_details() -> None:
    with pytest.raises(InvalidJson) as caught:
        OPENAI.read_head(b'{"model":"a",}')
    assert caught.value.details == {"position": 13}


@EVERY
def test_the_bare_decoder_and_head_error_agree_with_read_head(dialect: Dialect) -> None:
    decode = dialect.decode_head
    assert decode(b'{"model":"a"}').model == "a"
    in_path = dialect.name.startswith(("gemini", "bedrock"))  # they name their model in the path
    required = () if in_path else (b'{"model":5}',)
    for body in (b"{", *required, b'{"model":"a","model":"b"}'):
        with pytest.raises(BODY_ERRORS) as bare:
            decode(body)
        with pytest.raises(InvalidRequest) as read:
            dialect.read_head(body)
        ours = dialect.head_error(bare.value)
        assert (type(ours), ours.message, ours.details) == (type(read.value), read.value.message, read.value.details)


def test_null_streams_not() -> None:
    head = OPENAI.read_head(b'{"model":"a","stream":null,"max_tokens":null}')
    assert head.stream is False
    assert head.output_bound() is None


@pytest.mark.parametrize(
    ("body", "bound"),
    [
        (b'{"model":"a"}', None),
        (b'{"model":"a","max_tokens":7}', 7),
        (b'{"model":"a","max_tokens":7,"max_completion_tokens":9}', 9),
        (b'{"model":"a","max_completion_tokens":9,"n":3}', 27),
    ],
)
def test_the_output_bound_counts_every_choice(body: bytes, bound: int | None) -> None:
    assert OPENAI.read_head(body).output_bound() == bound


def test_the_output_bound_of_a_message_is_max_tokens() -> None:
    assert ANTHROPIC.read_head(b'{"model":"a","max_tokens":7}').output_bound() == 7


# ---- usage in streams


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, {"include_usage": True}),
        (b'"stream_options":null,', {"include_usage": True}),
        (b'"stream_options":{},', {"include_usage": True}),
        (b'"stream_options": {"include_usage":false,"x":[1]},', {"include_usage": True, "x": [1]}),
        (b'"stream_options":{"include_usage":true,"x":1},', {"include_usage": True, "x": 1}),
        (
            b'"stream\\u005foptions":{"include_obfuscation":false},',
            {"include_obfuscation": False, "include_usage": True},
        ),
    ],
)
@pytest.mark.parametrize("model", ["a", "b"])
def test_usage_is_asked_for_in_a_stream(options: bytes | None, expected: dict[str, Any], model: str) -> None:
    body = b'{"messages":[{"stream_options":1}],' + (options or b"") + b'"model":"a","stream":true}'
    spliced = OPENAI.splice(body, OPENAI.read_head(body), model)
    assert json.loads(spliced) == {**json.loads(body), "stream_options": expected, "model": model}


def test_usage_is_not_asked_for_where_it_is_refused_or_nothing_streams() -> None:
    streaming = b'{"model":"a","stream":true}'
    head = OPENAI.read_head(streaming)
    assert OPENAI.splice(streaming, head, "a", frozenset((NO_STREAM_OPTIONS,))) is streaming
    whole = b'{"model":"a","stream":false}'
    assert OPENAI.splice(whole, OPENAI.read_head(whole), "a") is whole


def test_a_stream_whose_caller_asked_already_is_left_alone() -> None:
    body = b'{"model":"a","stream":true,"stream_options":{"include_usage":true}}'
    assert OPENAI.splice(body, OPENAI.read_head(body), "a") is body


# ---- any body

OWNED = ("model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n")


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    keys = st.sampled_from(("model", "stream", "messages", "a\\", '"model"', "x")) | text
    nested = st.recursive(
        json_values | st.sampled_from(("model", '"model"', '\\"model":')),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    )
    members = draw(st.dictionaries(keys.filter(lambda key: key not in OWNED), nested, max_size=5))
    pairs = [*members.items()]
    pairs.insert(draw(st.integers(0, len(pairs))), ("model", "gpt-4o"))
    spaced = draw(st.sampled_from(((",", ":"), (", ", ": "), (" ,\n", "\t: "))))
    return json.dumps(dict(pairs), separators=spaced, ensure_ascii=draw(st.booleans())).encode()


@given(bodies(), text)
def test_splicing_changes_the_model_and_no_other_byte(body: bytes, model: str) -> None:
    head = ANTHROPIC.read_head(body)
    spliced = ANTHROPIC.splice(body, head, model)
    written = json.dumps(model, ensure_ascii=False).encode()
    (place,) = top_level(body, "model")
    kept = body.index(b'"gpt-4o"', place)
    assert spliced[:kept] == body[:kept]
    assert json.loads(spliced) == {**json.loads(body), "model": model}
    assert spliced.endswith(body[kept + 8 :])
    assert len(spliced) >= len(body) - 8 + min(len(written), 2)


@given(bodies())
def test_asking_for_usage_adds_one_member_and_nothing_else(body: bytes) -> None:
    body = body[:-1] + b',"stream":true}'
    spliced = OPENAI.splice(body, OPENAI.read_head(body), "gpt-4o")
    added = b'"stream_options":{"include_usage":true},'
    assert spliced.count(added) == 1 + body.count(added)
    assert len(spliced) == len(body) + len(added)
    assert json.loads(spliced) == {**json.loads(body), "stream_options": {"include_usage": True}}


IN_PATH = frozenset(endpoint.dialect for endpoint in ENDPOINTS if endpoint.model_in_path)
UNNAMED = ("openai_images", "openai_moderations", "openai_videos", "cohere_rerank", "jina_rerank")


@pytest.mark.parametrize("name", [name for name in TRANSLATED if name not in IN_PATH])
def test_a_model_must_be_named_where_there_is_no_default(name: str) -> None:
    if name in UNNAMED or name in ("voyage_rerank", "tei_rerank"):
        assert DIALECTS[name].read_head(b"{}").model == ""
        assert DIALECTS[name].read_head(b'{"model":null}').model == ""
    else:
        with pytest.raises(InvalidRequest, match="`model` is required"):
            DIALECTS[name].read_head(b"{}")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{}", b'{"model":"m"}'),
        (b' { "prompt": "x" }', b' {"model":"m", "prompt": "x" }'),
        (b'{"n":{"model":"y"},"x":1}', b'{"model":"m","n":{"model":"y"},"x":1}'),
        (b'{"n":1,"model":null}', b'{"n":1,"model":"m"}'),
        (b'{"model": null , "n":{"model":"y"}}', b'{"model": "m" , "n":{"model":"y"}}'),
    ],
)
def test_a_default_model_is_put_into_the_body_that_names_none(body: bytes, named: bytes) -> None:
    assert with_model(body, "m") == named
    head = DIALECTS["openai_moderations"].read_head(named)
    assert head.model == "m"
    assert DIALECTS["openai_moderations"].splice(named, head, "m") is named
