"""What is particular to Gemini's form: schemas, spelling, framings, matching of results, errors, what is refused."""

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.errors import (
    Inexpressible,
    InvalidRequest,
    RateLimited,
    Unauthenticated,
    UpstreamCut,
    UpstreamGarbage,
    UpstreamRefused,
)
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.gemini import GEMINI
from turnpike.wire.dialects.gemini.framing import Frames
from turnpike.wire.dialects.gemini.schema import to_gemini, to_json_schema
from turnpike.wire.dialects.gemini.spelling import in_camel_case
from turnpike.wire.types.conversation import (
    AudioConfig,
    Citation,
    Message,
    Request,
    Response,
    ServerTool,
    StopReason,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from turnpike.wire.types.embeddings import EmbeddingsRequest
from turnpike.wire.types.stream import Failed, Finished
from turnpike.wire.types.usage import MediaUsage, Usage

COUNT, BATCH, ONE = (DIALECTS[name] for name in ("gemini_count_tokens", "gemini_embeddings", "gemini_embedding"))
TARGET = Target("m")
HELLO: list[Any] = [{"role": "user", "parts": [{"text": "hello"}]}]


def read(body: dict[str, Any]) -> Request:
    request = GEMINI.read_request(json.dumps({"contents": HELLO, **body}).encode())
    assert isinstance(request, Request)
    return request


def written(request: Request, target: Target = TARGET) -> dict[str, Any]:
    return json.loads(GEMINI.write_request(request, target))


# ---- schemas

LOSSLESS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "STRING", "enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
    ({"type": "INTEGER", "nullable": True, "minimum": 1}, {"type": ["integer", "null"], "minimum": 1}),
    ({"type": "ARRAY", "items": {"type": "NUMBER"}, "maxItems": 3},
     {"type": "array", "items": {"type": "number"}, "maxItems": 3}),
    ({"type": "OBJECT", "properties": {"min_items": {"type": "BOOLEAN"}}, "required": ["min_items"], "title": "T"},
     {"type": "object", "properties": {"min_items": {"type": "boolean"}}, "required": ["min_items"], "title": "T"}),
]  # fmt: skip


@pytest.mark.parametrize(("own", "plain"), LOSSLESS)
def test_a_schema_that_both_can_say_goes_both_ways(own: dict[str, Any], plain: dict[str, Any]) -> None:
    assert to_gemini(msgspec.Raw(json.dumps(plain).encode())) == own
    assert json.loads(bytes(to_json_schema(msgspec.Raw(json.dumps(own).encode()), "schema"))) == plain


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}},
        {"type": "object", "properties": {}},
        {"type": ["string", "integer"]},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": "integer", "enum": [1, 2]},
        {"type": "string", "const": "x"},
        {"type": "array"},
        {"type": "array", "items": {"oneOf": [{"type": "string"}]}},
    ],
)
def test_a_schema_that_gemini_has_no_word_for_goes_as_json_schema(schema: dict[str, Any]) -> None:
    raw = msgspec.Raw(json.dumps(schema).encode())
    assert to_gemini(raw) is None
    declared = written(Request(model="m", messages=(), tools=(Tool("f", None, raw),)))["tools"][0]
    assert declared["functionDeclarations"] == [{"name": "f", "parametersJsonSchema": schema}]


def test_googles_words_for_schemas_are_all_read() -> None:
    own = {
        "type": "OBJECT",
        "properties": {
            "a": {"type": "STRING", "example": "x"},
            "b": {"anyOf": [{"type": "NULL"}, {"ref": "#/defs/B"}]},
        },
        "propertyOrdering": ["b", "a"],
        "minProperties": "1",
        "defs": {"B": {"type": "TYPE_UNSPECIFIED"}},
    }
    plain = json.loads(bytes(to_json_schema(msgspec.Raw(json.dumps(own).encode()), "schema")))
    assert list(plain["properties"]) == ["b", "a"]
    assert plain["properties"]["a"] == {"type": "string", "examples": ["x"]}
    assert plain["properties"]["b"] == {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/B"}]}
    assert (plain["minProperties"], plain["$defs"]) == (1, {"B": {}})


# ---- spelling


def test_the_callers_own_names_keep_their_spelling() -> None:
    body = {
        "system_instruction": {"parts": [{"text": "my_key: x"}]},
        "contents": [{"parts": [{"function_call": {"name": "f", "args": {"my_key": {"snake_case": 1}}}}]}],
        "tools": [
            {"function_declarations": [
                {"name": "f", "parameters": {"type": "OBJECT", "properties": {
                    "my_key": {"type": "ARRAY", "min_items": "1", "items": {"any_of": [{"type": "STRING"}]}}}}},
                {"name": "g", "parameters_json_schema": {"a_b": 1}},
            ]}
        ],
        "labels": {"team_name": "x"},
    }  # fmt: skip
    camel = json.loads(in_camel_case(json.dumps(body).encode()))
    assert camel["contents"][0]["parts"][0]["functionCall"]["args"] == {"my_key": {"snake_case": 1}}
    first, second = camel["tools"][0]["functionDeclarations"]
    assert first["parameters"]["properties"] == {
        "my_key": {"type": "ARRAY", "minItems": "1", "items": {"anyOf": [{"type": "STRING"}]}}
    }
    assert second["parametersJsonSchema"] == {"a_b": 1}
    assert (camel["labels"], camel["systemInstruction"]["parts"][0]["text"]) == ({"team_name": "x"}, "my_key: x")


def test_a_body_without_snake_case_is_not_touched() -> None:
    body = b'{"contents": [{"parts": [{"text": "a_b"}]}]}'
    assert in_camel_case(body) is body


@pytest.mark.parametrize("depth", [20, 5000])
def test_a_body_nested_deeply_costs_no_more_than_a_refusal(depth: int) -> None:
    body = b'{"a_b":' * depth + b"1" + b"}" * depth
    with pytest.raises(InvalidRequest):
        GEMINI.read_request(body)


# ---- framings


@given(
    st.lists(
        st.dictionaries(st.text(max_size=4), st.text(max_size=8) | st.lists(st.integers(), max_size=2)), min_size=1
    ),
    st.lists(st.integers(0, 10_000), max_size=8),
    st.booleans(),
)
def test_objects_come_out_of_an_array_wherever_it_is_cut(items: list[Any], places: list[int], pretty: bool) -> None:
    raw = json.dumps(items, indent=2 if pretty else None, ensure_ascii=False).encode()
    edges = [0, *sorted({place % (len(raw) + 1) for place in places}), len(raw)]
    frames = Frames()
    found = [frame for a, b in pairwise(edges) for frame in frames.feed(raw[a:b])]
    assert [json.loads(frame) for frame in found] == items


# ---- requests


def test_results_are_matched_by_id_first_then_by_name_in_order() -> None:
    calls = [
        {"functionCall": {"name": "f"}},
        {"functionCall": {"name": "g"}},
        {"functionCall": {"name": "f", "id": "x"}},
    ]
    results = [
        {"functionResponse": {"name": "f", "id": "x", "response": {"result": 3}}},
        {"functionResponse": {"name": "g", "response": {"temp": 2}}},
        {"functionResponse": {"name": "f", "response": {"error": "no"}}},
    ]
    request = read({"contents": [{"role": "model", "parts": calls}, {"role": "user", "parts": results}]})
    ids = [part.id for part in request.messages[0].parts if isinstance(part, ToolCall)]
    assert request.messages[1].parts == (
        ToolResult("x", (TextPart("3"),)),
        ToolResult(ids[1], (TextPart('{"temp": 2}'),)),
        ToolResult(ids[0], (TextPart("no"),), is_error=True),
    )


def test_a_result_without_a_call_is_refused_by_name() -> None:
    stray = [{"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}]
    with pytest.raises(InvalidRequest) as caught:
        read({"contents": stray})
    assert caught.value.details["param"] == "contents[0].parts[0].functionResponse.name"
    with pytest.raises(InvalidRequest):
        written(Request(model="m", messages=(Message("tool", (ToolResult("x", ()),)),)))


def test_several_allowed_functions_are_the_only_ones_offered() -> None:
    functions = [{"name": name} for name in "abc"]
    config = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["a", "c"]}}
    request = read({"tools": [{"functionDeclarations": functions}], "toolConfig": config})
    assert request.tool_choice == ToolChoice("required")
    assert [tool.name for tool in request.tools] == ["a", "c"]
    config["functionCallingConfig"]["allowedFunctionNames"] = ["z"]
    with pytest.raises(InvalidRequest, match="not declared"):
        read({"tools": [{"functionDeclarations": functions}], "toolConfig": config})


def test_a_gemini_3_gets_calls_of_other_models_with_the_signature_for_that() -> None:
    messages = (
        Message("user", (TextPart("?"),)),
        Message("assistant", (ToolCall("1", "f", "{}"), ToolCall("2", "g", "{}"))),
        Message("tool", (ToolResult("1", ()), ToolResult("2", ()))),
    )
    request = Request(model="m", messages=messages)
    parts = written(request, Target("gemini-3-pro"))["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == ["skip_thought_signature_validator", None]
    assert not any(
        "thoughtSignature" in part for part in written(request, Target("gemini-2.5-pro"))["contents"][1]["parts"]
    )


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"generationConfig": {"candidateCount": 2}}, "generationConfig.candidateCount"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "generationConfig.responseMimeType"),
        ({"generationConfig": {"routingConfig": {"autoMode": {}}}}, "generationConfig.routingConfig"),
        ({"generationConfig": {"speechConfig": {"languageCode": "de"}}}, "generationConfig.speechConfig"),
        ({"cachedContent": "cachedContents/x"}, "cachedContent"),
        ({"safetySettings": [{"category": "X", "threshold": "BLOCK_LOW_AND_ABOVE"}]}, "safetySettings"),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "u"}, "videoMetadata": {"fps": 1}}]}]},
         "contents[0].parts[0].videoMetadata"),
        ({"toolConfig": {"retrievalConfig": {"latLng": {}}}}, "toolConfig.retrievalConfig"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("target", ["openai_chat", "anthropic_messages"])
def test_what_only_gemini_can_say_is_refused_by_name(body: dict[str, Any], param: str, target: str) -> None:
    with pytest.raises(Inexpressible) as caught:
        DIALECTS[target].write_request(read(body), TARGET)
    assert caught.value.details["param"] == param


def test_what_only_gemini_can_say_goes_back_to_it() -> None:
    body: dict[str, Any] = {
        "contents": HELLO,
        "generationConfig": {"routingConfig": {"autoMode": {}}, "temperature": 0.5},
        "cachedContent": "cachedContents/x",
        "toolConfig": {"retrievalConfig": {"latLng": {}}},
        "tools": [{"googleSearch": {}}, {"codeExecution": {}}],
    }
    assert written(read(body)) == body


def test_harmless_wishes_are_left_out() -> None:
    harmless = {
        "safetySettings": [{"category": "X", "threshold": "BLOCK_NONE"}],
        "generationConfig": {"candidateCount": 1, "mediaResolution": "MEDIA_RESOLUTION_LOW"},
    }
    assert read(harmless).extra == {}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"audio": AudioConfig("Kore", "mp3")}, "audio.format"),
        ({"server_tools": (ServerTool("openai_responses", "web_search", msgspec.Raw(b"{}")),)}, "tools"),
        ({"extra_of": "openai_chat", "extra": {"logit_bias": msgspec.Raw(b"{}")}}, "logit_bias"),
    ],
)
def test_what_gemini_cannot_say_is_refused_by_name(change: dict[str, Any], param: str) -> None:
    with pytest.raises(Inexpressible) as caught:
        written(Request(model="m", messages=(), **change))
    assert caught.value.details["param"] == param


def test_a_voice_and_modalities_are_said() -> None:
    voice = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}
    request = read({"generationConfig": {"responseModalities": ["AUDIO"], "speechConfig": voice}})
    assert (request.modalities, request.audio) == (("audio",), AudioConfig("Kore", "pcm16"))
    assert written(request)["generationConfig"] == {"responseModalities": ["AUDIO"], "speechConfig": voice}


# ---- answers


def answer_of(candidate: dict[str, Any], **more: Any) -> Response:
    response = GEMINI.read_response(json.dumps({"candidates": [candidate], **more}).encode())
    assert isinstance(response, Response)
    return response


def test_places_of_citations_are_counted_in_characters() -> None:
    text = "grüße 世界 end"
    supports = [{"segment": {"startIndex": 8, "endIndex": 14, "text": "世界"}, "groundingChunkIndices": [0, 7]}]
    chunks = [{"web": {"uri": "https://example.com", "title": "T"}}]
    grounding = {"groundingChunks": chunks, "groundingSupports": supports, "webSearchQueries": ["a", "b"]}
    answer = answer_of(
        {"content": {"parts": [{"text": text}]}, "groundingMetadata": grounding},
        usageMetadata={"promptTokenCount": 1, "toolUsePromptTokenCount": 2},
    )
    part = answer.parts[0]
    assert isinstance(part, TextPart)
    assert part.citations == (Citation(url="https://example.com", title="T", start=6, end=8),)
    assert part.text[6:8] == "世界"
    assert answer.usage == Usage(3, web_searches=2)


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"])
def test_filters_are_refusals(reason: str) -> None:
    assert answer_of({"finishReason": reason}).stop_reason is StopReason.REFUSAL


def test_usage_tells_modalities() -> None:
    usage = {
        "promptTokenCount": 100, "cachedContentTokenCount": 40, "candidatesTokenCount": 20, "thoughtsTokenCount": 5,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}, {"modality": "IMAGE", "tokenCount": 25}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 15}, {"modality": "AUDIO", "tokenCount": 2}],
    }  # fmt: skip
    read_usage = GEMINI.read_usage(json.dumps({"usageMetadata": usage}).encode())
    media = MediaUsage(input_image_tokens=25, output_image_tokens=15)
    assert read_usage == Usage(100, 25, 40, 0, 0, 5, 30, 2, 10, 1, 0, media)


@pytest.mark.parametrize("usage", [None, {}, {"promptTokenCount": -1}, {"promptTokenCount": "x"}, []])
def test_a_usage_that_is_none_is_unknown(usage: Any) -> None:
    assert GEMINI.read_usage(json.dumps({"usageMetadata": usage}).encode()) is None


def test_code_that_google_ran_stays_in_its_dialect() -> None:
    answer = answer_of({"content": {"parts": [{"executableCode": {"language": "PYTHON", "code": "1"}}]}})
    again = json.loads(GEMINI.write_response(answer, "m"))
    assert again["candidates"][0]["content"]["parts"] == [{"executableCode": {"language": "PYTHON", "code": "1"}}]


# ---- streams


def test_a_stream_without_an_end_is_cut() -> None:
    reader = GEMINI.reader()
    reader.feed(b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}\r\n\r\n')
    with pytest.raises(UpstreamCut):
        reader.end()


def test_a_reason_without_usage_ends_the_stream_all_the_same() -> None:
    reader = GEMINI.reader()
    reader.feed(b'data: {"candidates":[{"finishReason":"STOP"}]}\n\n')
    assert isinstance(reader.end()[-1], Finished)


def test_what_is_no_stream_is_garbage() -> None:
    with pytest.raises(UpstreamGarbage):
        GEMINI.reader().feed(b"data: nothing\n\n")


@pytest.mark.parametrize("frame", ["data: {}\n\n", "[{}]"])
def test_an_error_amid_a_stream_is_told(frame: str) -> None:
    error = json.dumps({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}})
    reader = GEMINI.reader()
    assert reader.feed(frame.replace("{}", error).encode()) == [
        Failed(message="overloaded", status=503, code="UNAVAILABLE")
    ]
    tail = GEMINI.tail(GEMINI.read_head(b"{}"))
    tail.feed(b"data: " + error.encode() + b"\n\n")
    assert tail.error is not None
    assert tail.error.status == 503


def test_a_last_event_larger_than_any_window_is_still_seen() -> None:
    signature = "A" * 200_000
    content = {"parts": [{"text": "", "thoughtSignature": signature}]}
    chunk = {"candidates": [{"content": content, "finishReason": "STOP"}],
             "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2}}  # fmt: skip
    stream = b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n"
    tail = GEMINI.tail(GEMINI.read_head(b"{}"))
    assert b"".join(tail.feed(stream[i : i + 1000]) for i in range(0, len(stream), 1000)) == stream
    assert tail.finished
    assert tail.usage == Usage(1, 2)


# ---- errors


def test_google_says_400_where_a_key_is_wrong() -> None:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    body = {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": [info]}}
    assert GEMINI.read_error(400, json.dumps(body).encode()).status == 401


@pytest.mark.parametrize(
    ("delay", "seconds"), [("22s", 22.0), ("8.94s", 8.94), ("soon", None), (5, None), ("1.x s", None)]
)
def test_google_says_in_the_body_when_to_ask_again(delay: Any, seconds: float | None) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    body = {"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": [info]}}
    error = GEMINI.read_error(429, json.dumps(body).encode())
    assert (error.status, error.upstream_code, error.retry_after_s) == (429, "RESOURCE_EXHAUSTED", seconds)


def test_errors_are_written_in_googles_form() -> None:
    limited = json.loads(GEMINI.write_error(RateLimited("Slow.", retry_after_s=2.4), "r1"))["error"]
    assert (limited["code"], limited["status"]) == (429, "RESOURCE_EXHAUSTED")
    by_type = {each["@type"].rpartition(".")[2]: each for each in limited["details"]}
    assert by_type["RetryInfo"]["retryDelay"] == "2s"
    assert by_type["RequestInfo"]["requestId"] == "r1"
    key = json.loads(GEMINI.write_error(Unauthenticated("No."), ""))["error"]
    assert (key["status"], key["details"][0]["reason"]) == ("UNAUTHENTICATED", "API_KEY_INVALID")
    named = json.loads(GEMINI.write_error(InvalidRequest("Bad.", details={"param": "contents"}), ""))["error"]
    assert named["details"][1]["fieldViolations"][0]["field"] == "contents"
    own = UpstreamRefused("x", status=400, upstream_code="FAILED_PRECONDITION")
    assert json.loads(GEMINI.write_error(own, ""))["error"]["status"] == "FAILED_PRECONDITION"


# ---- heads


@pytest.mark.parametrize(
    ("body", "bound"),
    [
        ({}, None),
        ({"generationConfig": {"maxOutputTokens": 7}}, 7),
        ({"generation_config": {"max_output_tokens": "7", "candidate_count": 2}}, 14),
        ({"generationConfig": {"maxOutputTokens": "x"}}, None),
    ],
)
def test_the_head_knows_the_most_that_is_generated(body: dict[str, Any], bound: int | None) -> None:
    assert GEMINI.read_head(json.dumps(body).encode()).output_bound() == bound


def test_a_configuration_stands_once_however_it_is_spelled() -> None:
    with pytest.raises(InvalidRequest, match="twice"):
        GEMINI.read_head(b'{"generationConfig":{},"generation_config":{}}')


def test_each_request_of_a_batch_gets_the_providers_name() -> None:
    body = json.dumps({"requests": [{"model": "models/a", "content": {}}, {"content": {}}]}).encode()
    head = BATCH.read_head(body)
    assert head.model == "a"
    spliced = json.loads(BATCH.splice(body, head, "up"))
    assert [each["model"] for each in spliced["requests"]] == ["models/up", "models/up"]


def test_the_inner_request_of_a_count_gets_the_providers_name() -> None:
    body = b'{"generate_content_request": {"model": "models/a", "contents": []}}'
    head = COUNT.read_head(body)
    assert head.model == "a"
    assert json.loads(COUNT.splice(body, head, "up"))["generate_content_request"]["model"] == "models/up"


# ---- counts and embeddings


def test_a_count_is_of_the_whole_prompt() -> None:
    alone = Request(model="m", messages=(Message("user", (TextPart("x"),)),), max_output_tokens=5)
    assert json.loads(COUNT.write_request(alone, TARGET)) == {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
    more = msgspec.structs.replace(alone, tools=(Tool("f"),))
    inner = json.loads(COUNT.write_request(more, TARGET))["generateContentRequest"]
    assert (inner["model"], set(inner)) == ("models/m", {"model", "contents", "tools"})


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"content": {"parts": [{"text": "a"}, {"text": "b"}]}}, "requests[0].content.parts"),
        ({"content": {"parts": [{"text": "a"}]}, "taskType": "RETRIEVAL_QUERY"}, "requests[0].taskType"),
        ({"content": {"parts": [{"inlineData": {"data": "", "mimeType": "image/png"}}]}}, "requests[0].content.parts"),
    ],
)
def test_embeddings_that_only_gemini_makes_are_refused_by_name(request_: dict[str, Any], param: str) -> None:
    with pytest.raises(Inexpressible) as caught:
        BATCH.read_request(json.dumps({"requests": [request_]}).encode())
    assert caught.value.details["param"] == param


def test_embeddings_go_both_ways() -> None:
    request = EmbeddingsRequest(model="", inputs=("a", "b"), dimensions=3)
    assert msgspec.structs.replace(request, model="m") == BATCH.read_request(BATCH.write_request(request, TARGET))
    one = EmbeddingsRequest(model="", inputs=("a",))
    assert one == ONE.read_request(ONE.write_request(one, TARGET))
    with pytest.raises(Inexpressible):
        ONE.write_request(request, TARGET)
    with pytest.raises(Inexpressible):
        BATCH.write_request(EmbeddingsRequest(model="", inputs=((1, 2),)), TARGET)
