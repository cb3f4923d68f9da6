"""Rerankings in four forms: what is written is read back, and what a form cannot say is refused by name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.errors import Inexpressible, InvalidRequest, UpstreamGarbage
from turnpike.wire.dialect import Dialect, Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.rerank import RerankRequest, RerankResponse, RerankResult
from turnpike.wire.types.usage import MediaUsage, Usage

NAMES = ("cohere_rerank", "jina_rerank", "voyage_rerank", "tei_rerank")
EVERY = pytest.mark.parametrize("name", NAMES)
COUNTS = st.integers(1, 2**40)
texts = st.text(max_size=20)
results = st.lists(
    st.builds(RerankResult, st.integers(0, 1000), st.floats(-10, 10), st.none() | st.text(min_size=1, max_size=9)),
    max_size=5,
).map(tuple)
CAN_SAY: dict[str, dict[str, Any]] = {
    "cohere_rerank": {"top_n": st.none() | COUNTS, "max_tokens_per_doc": st.none() | COUNTS},
    "jina_rerank": {
        "top_n": st.none() | COUNTS,
        "max_tokens_per_doc": st.none() | COUNTS,
        "return_documents": st.none() | st.booleans(),
        "truncate": st.none() | st.booleans(),
    },
    "voyage_rerank": {
        "top_n": st.none() | COUNTS,
        "return_documents": st.none() | st.booleans(),
        "truncate": st.none() | st.booleans(),
    },
    "tei_rerank": {
        "return_documents": st.none() | st.booleans(),
        "truncate": st.booleans(),
        "raw_scores": st.none() | st.booleans(),
    },
}
"""What survives in each form. The rest is refused, or seen to by the gateway itself."""


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@EVERY
@given(data=st.data())
def test_a_request_that_is_written_is_read_back(name: str, data: st.DataObject) -> None:
    given = {field: data.draw(values) for field, values in CAN_SAY[name].items()}
    documents = data.draw(st.lists(texts, min_size=1, max_size=4))
    model = "" if name == "tei_rerank" else "m"  # it serves one model, which no request names
    request = RerankRequest(model=model, query=data.draw(texts), documents=tuple(documents), **given)
    assert DIALECTS[name].read_request(DIALECTS[name].write_request(request, Target("m"))) == request


@EVERY
@given(results=results, tokens=st.none() | st.integers(0, 2**40), searches=st.integers(0, 2**40))
def test_an_answer_that_is_written_is_read_back(
    name: str, results: tuple[RerankResult, ...], tokens: int | None, searches: int
) -> None:
    """Each form keeps what it counts: search units, tokens, both or nothing."""
    media = MediaUsage(searches=searches) if searches and name in ("cohere_rerank", "jina_rerank") else None
    usage = None if tokens is None else Usage(input_tokens=tokens, media=media)
    dialect = DIALECTS[name]
    written = dialect.write_response(RerankResponse(id="x", model="m", results=results, usage=usage), "m")
    read = dialect.read_response(written)
    assert isinstance(read, RerankResponse)
    assert read.results == results
    if name == "tei_rerank":
        assert dialect.read_usage(written) is None
        return
    assert dialect.read_usage(written) == read.usage
    if name != "cohere_rerank" and usage is None:
        assert read.usage == Usage(), "a form that always has its count says zero"
    elif usage is not None and (usage != Usage() or name != "cohere_rerank"):
        assert read.usage == usage


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("cohere_rerank", "truncate", False),
        ("cohere_rerank", "raw_scores", True),
        ("jina_rerank", "raw_scores", True),
        ("voyage_rerank", "raw_scores", True),
        ("voyage_rerank", "max_tokens_per_doc", 9),
        ("tei_rerank", "max_tokens_per_doc", 9),
    ],
)
def test_what_a_form_has_no_word_for_is_refused_by_name(name: str, field: str, value: object) -> None:
    request = RerankRequest(model="m", query="q", documents=("d",), **{field: value})  # pyright: ignore[reportArgumentType]
    with pytest.raises(Inexpressible) as caught:
        DIALECTS[name].write_request(request, Target("m"))
    assert caught.value.details == {"param": field}


@pytest.mark.parametrize("name", ["cohere_rerank", "jina_rerank", "voyage_rerank"])
@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"documents": []}, "documents"),
        ({"documents": ["a", {"title": "x"}]}, "documents[1]"),
        ({"documents": [{"image": "x"}]}, "documents[0]"),
        ({"rank_fields": ["title"]}, "rank_fields"),
        ({"max_chunks_per_doc": 3}, "max_chunks_per_doc"),
        ({"query": 5}, "query"),
        ({"top_n": "x"}, "top_n"),
    ],
)
def test_a_request_that_cannot_be_carried_says_which_field(name: str, more: dict[str, Any], param: str) -> None:
    body = {"model": "m", "query": "q", "documents": ["d"], **more}
    with pytest.raises(InvalidRequest) as caught:
        DIALECTS[name].read_request(encoded(body))
    assert caught.value.details["param"] == param


def test_documents_may_be_objects_with_a_text() -> None:
    request = DIALECTS["jina_rerank"].read_request(encoded({"query": "q", "documents": [{"text": "a", "id": 7}, "b"]}))
    assert isinstance(request, RerankRequest)
    assert request.documents == ("a", "b")


@pytest.mark.parametrize(
    ("documents", "usage", "counted"),
    [
        (0, None, Usage(media=MediaUsage(searches=1))),
        (100, None, Usage(media=MediaUsage(searches=1))),
        (101, None, Usage(media=MediaUsage(searches=2))),
        (1, Usage(7), Usage(7, media=MediaUsage(searches=1))),
        (1, Usage(media=MediaUsage(searches=9)), Usage(media=MediaUsage(searches=9))),
    ],
)
def test_search_units_are_those_of_the_answer_else_one_for_each_hundred_documents(
    documents: int, usage: Usage | None, counted: Usage
) -> None:
    head = DIALECTS["cohere_rerank"].read_head(encoded({"model": "m", "documents": ["d"] * documents}))
    assert head.counted(usage) == counted


@pytest.mark.parametrize("body", [b"{}", b'{"results":[{"index":0}]}', b'{"data":5}', b"[]", b"nope"])
@pytest.mark.parametrize("dialect", [DIALECTS[name] for name in NAMES[:3]], ids=NAMES[:3])
def test_what_is_no_ranking_is_garbage(dialect: Dialect, body: bytes) -> None:
    with pytest.raises(UpstreamGarbage):
        dialect.read_response(body)
