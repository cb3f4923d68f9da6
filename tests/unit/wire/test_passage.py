"""The tables of the pass-through lane: paths, kinds, refusals, references, batches, usage."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.errors import InvalidRequest, ModelNotFound
from turnpike.wire.passage.batches import Admitted, LineJudge, ResultsReader, admit_requests, read_state
from turnpike.wire.passage.family import roots_of
from turnpike.wire.passage.kinds import KINDS, derived_in, made_in, place_of
from turnpike.wire.passage.paths import Api, read_segments, versioned, without_version
from turnpike.wire.passage.references import models_in, references_in
from turnpike.wire.passage.refused import REFUSED, refusal
from turnpike.wire.passage.usage import merged, usage_in
from turnpike.wire.types.usage import Usage
from turnpike.wire.vendors import VENDORS

OPENAI, ANTHROPIC, GEMINI = Api.OPENAI, Api.ANTHROPIC, Api.GEMINI


def place(api: Api, path: str) -> tuple[str, str | None, tuple[str, ...], str]:
    found = place_of(api, without_version(read_segments(path.encode())))
    assert found is not None
    return found.kind.full_name, found.object_id, found.tail, found.pattern


@pytest.mark.parametrize(
    ("api", "path", "expected"),
    [
        (OPENAI, "/v1/files", ("openai.files", None, (), "/v1/files")),
        (OPENAI, "/v1/files/f/content", ("openai.files", "f", ("content",), "/v1/files/{id}/content")),
        (OPENAI, "/v1/fine_tuning/jobs/j", ("openai.fine_tuning.jobs", "j", (), "/v1/fine_tuning/jobs/{id}")),
        (OPENAI, "/v1/threads/runs", ("openai.threads", None, ("runs",), "/v1/threads/runs")),
        (
            OPENAI,
            "/v1/responses/r/input_items",
            ("openai.responses", "r", ("input_items",), "/v1/responses/{id}/input_items"),
        ),
        (
            OPENAI,
            "/v1/vector_stores/v/files/f",
            ("openai.vector_stores", "v", ("files", "f"), "/v1/vector_stores/{id}/files/*"),
        ),
        (OPENAI, "/v1/new_thing/x/y", ("openai.new_thing", "x", ("y",), "/v1/*/{id}/*")),
        (
            ANTHROPIC,
            "/v1/messages/batches/b/results",
            ("anthropic.batches", "b", ("results",), "/v1/messages/batches/{id}/results"),
        ),
        (GEMINI, "/v1beta/files/f", ("gemini.files", "f", (), "/v1beta/files/{id}")),
        (
            GEMINI,
            "/v1beta/models/m:batchGenerateContent",
            ("gemini.models", "m", (":batchGenerateContent",), "/v1beta/models/{id}/:batchGenerateContent"),
        ),
    ],
)
def test_a_path_means_a_place(api: Api, path: str, expected: tuple[Any, ...]) -> None:
    assert place(api, path) == expected


@given(st.lists(st.from_regex(r"\A[A-Za-z0-9._~:@=+,-]{1,20}\Z"), min_size=1, max_size=6))
def test_the_ledgers_pattern_holds_nothing_that_a_caller_chose(segments: list[str]) -> None:
    words = {word for kind in KINDS for word in (*kind.collection, *kind.verbs)} | {"v1", "{id}", "*", ""}
    chosen = tuple(f"{segment}0secret0" for segment in segments)
    found = place_of(OPENAI, ("files", *chosen))

    assert found is not None
    assert "{id}" in found.pattern.split("/")
    assert chosen[0] not in found.pattern
    unknown = place_of(OPENAI, chosen)
    if unknown is not None:
        assert set(unknown.pattern.split("/")) <= words


@pytest.mark.parametrize(
    "path", ["/v1/a%2fb", "/v1/%2e%2e/a", "/v1/..", "/v1/a%00", "/v1/a;b", "/v1/a%2561", "/v1/a b", "/v1/a//b", "/v1/ä"]
)
def test_a_path_has_one_spelling(path: str) -> None:
    with pytest.raises(InvalidRequest):
        read_segments(path.encode("latin-1"))


@given(st.sampled_from([row for row in REFUSED if row.api is not None]), st.data())
def test_a_refused_path_is_refused_in_every_case_and_below_it(row: Any, data: st.DataObject) -> None:
    words = [word.replace("*", "x") for word in row.pattern]
    spelled = tuple("".join(data.draw(st.sampled_from((c.lower(), c.upper()))) for c in word) for word in words)

    assert refusal(row.api, spelled) is not None
    assert refusal(row.api, (*spelled, "anything")) is not None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.full_name)
def test_no_kind_is_refused(kind: Any) -> None:
    assert refusal(kind.api, kind.collection) is None
    assert refusal(kind.api, (*kind.collection, "some-id")) is None


def test_a_version_is_put_where_none_stands() -> None:
    assert versioned(OPENAI, b"/files") == b"/v1/files"
    assert versioned(OPENAI, b"/V1/files") == b"/v1/files"
    assert versioned(GEMINI, b"/files") == b"/v1beta/files"
    assert versioned(GEMINI, b"/upload/v1beta/files") == b"/upload/v1beta/files"


def test_references_are_found_wherever_they_stand_but_where_people_write_what_they_like() -> None:
    body = {
        "previous_response_id": "resp_1",
        "conversation": {"id": "conv_1"},
        "input": [{"content": [{"type": "input_file", "file_id": "file-1"}]}],
        "tools": [{"type": "file_search", "vector_store_ids": ["vs_1", "vs_2"]}, {"container": {"type": "auto"}}],
        "metadata": {"file_id": "file-free"},
        "text": {"schema": {"properties": {"file_id": {"type": "string"}}}},
    }
    found = [(each.kind, each.object_id, each.field) for each in references_in(OPENAI, body)]

    assert found == [
        ("openai.responses", "resp_1", "previous_response_id"),
        ("openai.conversations", "conv_1", "conversation"),
        ("openai.files", "file-1", "input[0].content[0].file_id"),
        ("openai.vector_stores", "vs_1", "tools[0].vector_store_ids"),
        ("openai.vector_stores", "vs_2", "tools[0].vector_store_ids"),
    ]


@pytest.mark.parametrize(
    ("item", "by_the_way"),
    [
        ({"type": "item_reference", "id": "x"}, False),
        ({"id": "x"}, False),
        ({"type": None, "ID": "x"}, False),
        ({"type": "reasoning", "id": "x", "summary": [{"type": "summary_text", "text": "s"}]}, True),
        ({"type": "reasoning", "id": "x", "summary": [], "encrypted_content": None, "content": []}, True),
        ({"type": "image_generation_call", "id": "x", "result": ""}, True),
    ],
)
def test_an_item_that_a_provider_looks_up_by_its_id_is_a_reference(item: Any, by_the_way: bool) -> None:
    for body, place in (
        ({"input": ["x", item]}, "input[1]"),
        ({"items": [item]}, "items[0]"),
        ({"response": {"input": [item]}}, "response.input[0]"),
    ):
        (found,) = references_in(OPENAI, body)
        assert (found.kind, found.object_id, found.by_the_way) == ("openai.responses.items", "x", by_the_way)
        assert found.field.lower() == f"{place}.id"
    anywhere = references_in(OPENAI, {"else": [{"type": "item_reference", "id": "x"}]})
    assert [each.object_id for each in anywhere] == ["x"]


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", "id": "x", "role": "assistant", "content": "whole"},
        {"id": "x", "role": "user", "content": "whole"},
        {"type": "function_call", "id": "x", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "reasoning", "id": "x", "summary": [], "encrypted_content": "sealed"},
        {"type": "reasoning", "id": "x", "summary": [], "content": [{"type": "reasoning_text", "text": "t"}]},
        {"type": "image_generation_call", "id": "x", "result": "aGk="},
        {"type": "item_reference", "item_reference": "item.input"},
        {"type": "item_reference", "id": ""},
        {"type": ["reasoning"], "id": "x"},
    ],
)
def test_an_item_that_says_all_itself_names_nothing(item: Any) -> None:
    assert references_in(OPENAI, {"input": [item]}) == []
    assert references_in(ANTHROPIC, {"input": [{"id": "x"}]}) == []


def test_what_a_response_brought_forth_is_its_output_and_a_compactions_is_not() -> None:
    kind = next(kind for kind in KINDS if kind.full_name == "openai.responses")
    output = [{"id": "msg_1", "type": "message"}, {"id": "ci_1", "container_id": "cntr_1"}, {"type": "other"}]
    containers = [("openai.containers", "cntr_1")]
    items = [("openai.responses.items", "msg_1"), ("openai.responses.items", "ci_1")]

    assert derived_in(kind, {"object": "response", "output": output}) == containers + items
    assert derived_in(kind, {"object": "response.compaction", "output": output}) == containers


def test_a_vendors_own_skill_and_a_tools_input_name_nothing() -> None:
    own = {"container": {"skills": [{"type": "anthropic", "skill_id": "pptx"}, {"type": "custom", "skill_id": "s"}]}}
    use = {"content": [{"type": "tool_use", "input": {"file_id": "x"}}]}

    assert [each.object_id for each in references_in(ANTHROPIC, own)] == ["s"]
    assert references_in(ANTHROPIC, use) == []


def test_gemini_names_files_by_their_address() -> None:
    body = {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}

    assert [(each.kind, each.object_id) for each in references_in(GEMINI, body)] == [("gemini.files", "abc")]


def test_a_body_nested_beyond_all_measure_is_refused() -> None:
    body: Any = {"file_id": "deep"}
    for _ in range(100):
        body = {"a": body}
    with pytest.raises(InvalidRequest):
        references_in(OPENAI, body)


def test_models_are_found_in_any_case_and_depth() -> None:
    body = {"model": "a", "MODEL": "b", "data_source": {"Model": "c"}, "session": {"model": {"id": "d"}}}

    assert [holder[name] for holder, name, _ in models_in(body)] == ["a", "b", "c", "d"]


def test_what_an_answer_makes_and_names() -> None:
    batches = next(kind for kind in KINDS if kind.full_name == "openai.batches")
    gemini = next(kind for kind in KINDS if kind.full_name == "gemini.files")

    assert derived_in(batches, {"id": "b", "output_file_id": "o", "error_file_id": None}) == [("openai.files", "o")]
    assert made_in(batches, {"id": "b"}) == [("openai.batches", "b")]
    assert made_in(gemini, {"file": {"name": "files/abc"}}) == [("gemini.files", "abc")]
    assert made_in(gemini, {"name": "tunedModels/t/operations/o"}) == [("gemini.tunedModels", "t")]


# ---- batches


def admit(url: str, model: str) -> str:
    if model == "nowhere":
        raise ModelNotFound("There is no model 'nowhere'.")
    return f"upstream-{model}"


def admit_lines(content: bytes) -> tuple[Admitted, bytes]:
    judge = LineJudge(admit)
    written = b"".join([judge.take(raw) for raw in content.split(b"\n")])
    return judge.end(), written


def test_admitted_lines_bear_the_providers_names() -> None:
    line = {
        "custom_id": "a",
        "method": "POST",
        "url": "/v1/embeddings",
        "body": {"model": "m", "input": "ü", "n": 1.50},
    }
    admitted, written = admit_lines(b"\xef\xbb\xbf" + json.dumps(line).encode() + b"\r\n\n")

    assert json.loads(written) == {**line, "body": {**line["body"], "model": "upstream-m"}}  # type: ignore[dict-item]
    assert (admitted.lines, admitted.endpoints, admitted.models) == (1, ("/v1/embeddings",), ("m",))


def test_an_empty_batch_is_refused() -> None:
    for content in (b"", b"\n\n"):
        with pytest.raises(InvalidRequest, match="at least one line"):
            admit_lines(content)
    with pytest.raises(InvalidRequest):
        admit_requests({"requests": []}, admit)


def test_usage_of_results_is_summed_by_model_however_they_are_cut() -> None:
    lines = [
        {"response": {"body": {"model": "a", "usage": {"prompt_tokens": 1, "completion_tokens": 2}}}},
        {
            "result": {
                "message": {
                    "model": "b",
                    "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5},
                }
            }
        },
        {"response": {"body": {"model": "a", "usage": {"prompt_tokens": 10, "completion_tokens": 20}}}},
        {"result": {"type": "errored"}},
    ]
    data = b"\n".join(json.dumps(line).encode() for line in lines)
    for size in (1, 7, 1000):
        reader = ResultsReader()
        for start in range(0, len(data), size):
            reader.feed(data[start : start + size])
        assert reader.end() == {"a": Usage(11, 22, requests=2), "b": Usage(7, 5, 4)}


def test_the_state_of_a_batch() -> None:
    done = {
        "status": "completed",
        "model": "m",
        "output_file_id": "o",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }

    assert read_state(OPENAI, done).usage == Usage(1, 2)
    assert read_state(OPENAI, {"status": "in_progress", "usage": done["usage"]}).usage is None
    assert read_state(OPENAI, {"status": "completed", "output_file_id": "o"}).results == "files/o/content"
    assert read_state(ANTHROPIC, {"id": "b", "processing_status": "ended"}).results == "messages/batches/b/results"


# ---- usage


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        (
            {"usage": {"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 1}}},
            Usage(3, 4, 1),
        ),
        (
            {"usage": {"input_tokens": 3, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 2}}},
            Usage(3, 4, reasoning_tokens=2),
        ),
        (
            {
                "usage": {
                    "input_tokens": 3,
                    "output_tokens": 4,
                    "cache_read_input_tokens": 10,
                    "cache_creation_input_tokens": 5,
                }
            },
            Usage(18, 4, 10, 5),
        ),
        (
            {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "thoughtsTokenCount": 2}},
            Usage(3, 6, reasoning_tokens=2),
        ),
        ({"type": "response.completed", "response": {"usage": {"input_tokens": 1, "output_tokens": 1}}}, Usage(1, 1)),
        ({"usage": {"input_tokens": 0, "output_tokens": 0}}, None),
        ({"usage": None}, None),
        ({"usage": {"input_tokens": -1, "output_tokens": "x"}}, None),
        ([], None),
    ],
)
def test_usage_is_read_in_every_form(answer: Any, usage: Usage | None) -> None:
    assert usage_in(answer) == usage


def test_of_two_reports_the_larger_counts() -> None:
    assert merged(Usage(5, 1), Usage(0, 9)) == Usage(5, 9)


# ---- families


def test_every_vendor_of_an_openai_chat_speaks_openais_api() -> None:
    for vendor in VENDORS.values():
        operations = {str(name): specs for name, specs in vendor.operations.items()}
        # Clouds serve a model's form under a path of their own, and nothing else of that API.
        plain = (spec for specs in operations.values() for spec in specs if "{model" not in spec.path)
        dialects = {spec.dialect for spec in plain}
        roots = roots_of(operations)
        assert ("openai_chat" in dialects) <= (OPENAI in roots), vendor.name
        assert ("anthropic_messages" in dialects) <= (ANTHROPIC in roots), vendor.name
    assert roots_of({str(k): v for k, v in VENDORS["anthropic"].operations.items()}) == {ANTHROPIC: "/v1"}
    assert roots_of({str(k): v for k, v in VENDORS["openai"].operations.items()})[OPENAI] == ""
