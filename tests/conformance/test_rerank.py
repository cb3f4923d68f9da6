"""Reranking: two forms of callers, four of providers; scores, documents, units and costs come out the same."""

from typing import Any

import httpx2
import pytest

from tests.support.gateway import RunningGateway
from tests.support.media import COHERE, JINA, RERANKERS, TEI, VOYAGE, MediaModel

pytestmark = pytest.mark.usefixtures("media_models")

QUERY = "red fox"
DOCUMENTS = ["a blue whale", "the quick red fox", "a red deer"]
TOKENS = 3 * 2 + 3 + 4 + 3
"""The query is read with each document."""
BEST_FIRST = [(1, 1.0), (2, 0.5), (0, 0.0)]
COST_NANOUSD = {
    COHERE.name: 2_000_000,
    JINA.name: TOKENS * 20,
    VOYAGE.name: TOKENS * 50,
    TEI.name: 1_000_000,
}
PATHS = ("/v1/rerank", "/v2/rerank")
EVERY = pytest.mark.parametrize("model", RERANKERS, ids=lambda model: f"to-{model.provider}")
BOTH = pytest.mark.parametrize("path", PATHS)


def ask(gateway: RunningGateway, key: str, path: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
    sent = {"authorization": f"Bearer {key}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx2.post(f"{gateway.url}{path}", json=body, headers=sent, timeout=20)


@EVERY
@BOTH
def test_every_caller_ranks_with_every_provider_and_pays_its_price(
    gateway: RunningGateway, caller_key: str, request_id: str, path: str, model: MediaModel
) -> None:
    body = {"model": model.name, "query": QUERY, "documents": DOCUMENTS}
    answer = ask(gateway, caller_key, path, body, x_request_id=request_id)
    row = gateway.ledger_row(request_id)

    assert answer.status_code == 200, answer.text
    assert [(each["index"], each["relevance_score"]) for each in answer.json()["results"]] == BEST_FIRST
    assert (row["operation"], row["usage_source"], row["media"]["searches"]) == ("rerank", "reported", 1)
    assert row["cost_nanousd"] == COST_NANOUSD[model.name]


@EVERY
@BOTH
def test_the_best_alone_with_their_documents(
    gateway: RunningGateway, caller_key: str, path: str, model: MediaModel
) -> None:
    body: dict[str, Any] = {"model": model.name, "query": QUERY, "documents": DOCUMENTS, "top_n": 1}
    plain = ask(gateway, caller_key, path, body).json()["results"]
    with_documents = ask(gateway, caller_key, path, {**body, "return_documents": True}).json()["results"]

    assert [each["index"] for each in plain] == [1]
    same_form = {"/v2/rerank": COHERE.name}.get(path) == model.name
    if not same_form:  # Cohere's version 2 has no such field, and its own provider is sent it as it is
        assert with_documents == [{"index": 1, "relevance_score": 1.0, "document": {"text": DOCUMENTS[1]}}]


@EVERY
def test_an_answer_at_the_shared_path_reads_as_jinas_and_as_coheres(
    gateway: RunningGateway, caller_key: str, model: MediaModel
) -> None:
    answer = ask(
        gateway, caller_key, "/v1/rerank", {"model": model.name, "query": QUERY, "documents": DOCUMENTS, "top_k": 2}
    ).json()

    assert "usage" in answer
    assert "results" in answer
    if model is not JINA:
        assert answer["model"] == model.name
        assert answer["meta"]["api_version"] == {"version": "1"}
        assert len(answer["results"]) == 2, "Voyage's word for how many is understood"


def test_many_documents_are_several_search_units(gateway: RunningGateway, caller_key: str, request_id: str) -> None:
    body = {"model": TEI.name, "query": QUERY, "documents": [f"document {number}" for number in range(101)]}
    ask(gateway, caller_key, "/v1/rerank", body, x_request_id=request_id)
    row = gateway.ledger_row(request_id)

    assert (row["media"]["searches"], row["cost_nanousd"]) == (2, 2_000_000)


def test_what_another_form_cannot_say_is_refused_by_name_before_anything_is_sent(
    gateway: RunningGateway, caller_key: str, request_id: str
) -> None:
    documents = [{"title": "x", "body": "y"}]
    body = {"model": COHERE.name, "query": QUERY, "documents": documents}
    answer = ask(gateway, caller_key, "/v1/rerank", body, x_request_id=request_id)

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "documents[0]"
    assert gateway.simulator.calls_of(request_id) == []


def test_errors_at_coheres_path_are_in_coheres_form(gateway: RunningGateway, caller_key: str) -> None:
    answer = ask(gateway, caller_key, "/v2/rerank", {"model": "no-such", "query": QUERY, "documents": ["x"]})

    assert answer.status_code == 404
    assert "no-such" in answer.json()["message"]


@EVERY
def test_a_provider_that_reports_nothing_is_counted_by_the_documents(
    gateway: RunningGateway, caller_key: str, request_id: str, model: MediaModel
) -> None:
    body = {"model": model.name, "query": QUERY, "documents": DOCUMENTS}
    ask(gateway, caller_key, "/v2/rerank", body, x_request_id=request_id, x_sim_fault="no-usage")
    row = gateway.ledger_row(request_id)

    assert row["media"]["searches"] == 1
    billed_by_search = "search" in model.price
    assert row["priced"] is billed_by_search, "tokens that nobody counted have no price"
    assert row["cost_nanousd"] == (COST_NANOUSD[model.name] if billed_by_search else None)
