"""Reranking in four forms: Cohere's (/v2/rerank), Jina's (/v1/rerank), Voyage's (/voyage/v1/rerank) and that of
text-embeddings-inference (/rerank). A document's score is the part of the query's words that it holds.

Sources: the API references of Cohere (v2 rerank), Jina, Voyage and text-embeddings-inference.
"""

from typing import Any

from turnpike.simulator import tokens
from turnpike.simulator.dialects import openai
from turnpike.simulator.dialects.fields import FieldError, check, maybe, take
from turnpike.simulator.exchange import Answer, Call, Operation, json_answer

DOCUMENTS_A_SEARCH = 100
TOP = {"cohere": "top_n", "jina": "top_n", "voyage": "top_k", "tei": None}


class _Ranking:
    """A request, and what all forms answer from it: pairs of index and score, the best first."""

    def __init__(self, data: dict[str, Any], form: str) -> None:
        self.model = maybe(data, "model", str) or "rerank"
        openai.refuse_missing_model(self.model)
        query = take(data, "query", str)
        name = "texts" if form == "tei" else "documents"
        self.texts = [_text(one, f"{name}[{index}]") for index, one in enumerate(take(data, name, list))]
        if not self.texts:
            raise FieldError(name, "value", "the array is empty")
        top_name = TOP[form]
        top = maybe(data, top_name, int) if top_name else None
        scored = [(index, _score(query, text)) for index, text in enumerate(self.texts)]
        scored.sort(key=lambda pair: (-pair[1], pair[0]))
        self.best = scored[:top] if top else scored
        self.tokens = sum(tokens.count(query) + tokens.count(text) for text in self.texts)
        """The query is read once with every document."""
        self.searches = -(-len(self.texts) // DOCUMENTS_A_SEARCH)


def _text(document: Any, path: str) -> str:
    if isinstance(document, dict):
        return take(document, "text", str, path)
    return check(document, str, path)


def _score(query: str, text: str) -> float:
    words = set(query.lower().split())
    return round(len(words & set(text.lower().split())) / (len(words) or 1), 6)


def _ranked(call: Call, form: str) -> _Ranking:
    try:
        return _Ranking(call.data, form)
    except FieldError as error:
        raise openai.refused_field(error) from error


def cohere(call: Call) -> Answer:
    ranking = _ranked(call, "cohere")
    answer: dict[str, Any] = {
        "id": f"sim-{call.number}",
        "results": [{"index": index, "relevance_score": score} for index, score in ranking.best],
        "meta": {"api_version": {"version": "2"}},
    }
    if not call.faults.no_usage:
        answer["meta"]["billed_units"] = {"search_units": ranking.searches}
    return json_answer(answer, openai.OPENAI.headers(call.number))


def jina(call: Call) -> Answer:
    ranking = _ranked(call, "jina")
    with_documents = call.data.get("return_documents") is not False
    results = [
        {"index": index, "relevance_score": score}
        | ({"document": {"text": ranking.texts[index]}} if with_documents else {})
        for index, score in ranking.best
    ]
    answer: dict[str, Any] = {"model": ranking.model, "object": "list", "results": results}
    if not call.faults.no_usage:
        answer["usage"] = {"total_tokens": ranking.tokens, "prompt_tokens": ranking.tokens}
    return json_answer(answer, openai.OPENAI.headers(call.number))


def voyage(call: Call) -> Answer:
    ranking = _ranked(call, "voyage")
    with_documents = call.data.get("return_documents") is True
    data = [
        {"index": index, "relevance_score": score} | ({"document": ranking.texts[index]} if with_documents else {})
        for index, score in ranking.best
    ]
    answer: dict[str, Any] = {"object": "list", "data": data, "model": ranking.model}
    if not call.faults.no_usage:
        answer["usage"] = {"total_tokens": ranking.tokens}
    return json_answer(answer, openai.OPENAI.headers(call.number))


def tei(call: Call) -> Answer:
    ranking = _ranked(call, "tei")
    with_text = call.data.get("return_text") is True
    answer = [
        {"index": index, "score": score} | ({"text": ranking.texts[index]} if with_text else {})
        for index, score in ranking.best
    ]
    return json_answer(answer, openai.OPENAI.headers(call.number))


OPERATIONS = (
    Operation("POST", "/v2/rerank", openai.vendor, cohere),
    Operation("POST", "/v1/rerank", openai.vendor, jina),
    Operation("POST", "/voyage/v1/rerank", openai.vendor, voyage),
    Operation("POST", "/rerank", openai.vendor, tei),
)
