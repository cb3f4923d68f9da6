"""What Gemini does with a model: generateContent, streamGenerateContent (as events and as an array), countTokens.

Source: Google's Gemini API reference, "Generating content" and "Counting tokens".
"""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from turnpike.simulator.dialects import gemini, gemini_embeddings, gemini_request, imagen
from turnpike.simulator.dialects.fields import FieldError, maybe
from turnpike.simulator.dialects.gemini_request import GenerateRequest
from turnpike.simulator.exchange import Answer, Call, Operation, Refused, json_answer, stream_answer
from turnpike.simulator.instances import SchemaError
from turnpike.simulator.replies import Answered, Reply, Stop, answer
from turnpike.wire.dialects.gemini.spelling import in_camel_case

Json = dict[str, Any]

_FINISH = {
    Stop.END: "STOP",
    Stop.SEQUENCE: "STOP",
    Stop.LENGTH: "MAX_TOKENS",
    Stop.TOOLS: "STOP",
    Stop.FILTER: "SAFETY",
}
SOURCE = {"web": {"uri": "https://example.com/turnpike", "title": "Turnpike simulator"}}
RATING = {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}


def model_call(call: Call) -> Answer:
    """Any verb of a model."""
    model, verb = gemini.named(call)
    perform = _VERBS.get(verb)
    if perform is None:
        raise Refused(f"There is no method '{verb}' of models.", status=404)
    gemini.refuse_missing_model(model)
    try:
        return perform(call, model)
    except FieldError as error:
        raise gemini.refused_field(error) from error
    except SchemaError as error:
        raise Refused(str(error)) from error


def _generate(call: Call, model: str) -> Answer:
    request = gemini_request.read(call.body, model)
    answered = answer(request.conversation)
    chunk = _last(request, answered, _parts(request, answered.replies[0]), no_usage=call.faults.no_usage)
    return json_answer(chunk, gemini.GEMINI.headers(call.number))


def _stream(call: Call, model: str) -> Answer:
    request = gemini_request.read(call.body, model)
    chunks = list(_chunks(request, answer(request.conversation), no_usage=call.faults.no_usage))
    headers = gemini.GEMINI.headers(call.number)
    if gemini.wants_events(call):
        return stream_answer([gemini.event(chunk) for chunk in chunks], headers)
    items = [msgspec.json.format(msgspec.json.encode(chunk)) for chunk in chunks]
    pieces = [b"[" + items[0], *(b"\n,\r\n" + item for item in items[1:]), b"]"]
    return Answer(200, [(b"content-type", b"application/json; charset=UTF-8"), *headers], events=pieces)


def _count(call: Call, model: str) -> Answer:
    inner = maybe(msgspec.json.decode(in_camel_case(call.body)), "generateContentRequest", dict)
    body = call.body if inner is None else msgspec.json.encode(inner)
    total = gemini_request.read(body, model).conversation.input_tokens()
    details = [{"modality": "TEXT", "tokenCount": total}]
    return json_answer({"totalTokens": total, "promptTokensDetails": details}, gemini.GEMINI.headers(call.number))


def _predict(call: Call, model: str) -> Answer:
    if not imagen.is_imagen(model):
        raise Refused(f"The model '{model}' makes no predictions.")
    return json_answer(imagen.predictions(call), gemini.GEMINI.headers(call.number))


# ---- answers


def _parts(request: GenerateRequest, reply: Reply) -> list[Json]:
    parts: list[Json] = []
    if reply.thinking and request.show_thoughts:
        parts.append({"text": "".join(reply.thinking), "thought": True})
    if reply.text:
        parts.append({"text": "".join(reply.text)})
    parts += _calls(request, reply)
    return parts


def _calls(request: GenerateRequest, reply: Reply) -> list[Json]:
    """The first call of a thinking turn is signed. Models whose name ends in `-no-ids` give their calls none."""
    parts: list[Json] = []
    for number, made in enumerate(reply.calls):
        call: Json = {"name": made.name, "args": msgspec.json.decode(made.arguments)}
        if not request.conversation.model.endswith("-no-ids"):
            call["id"] = made.id
        signed = number == 0 and bool(reply.thinking)
        parts.append({"functionCall": call, **({"thoughtSignature": _signature(request)} if signed else {})})
    return parts


def _signature(request: GenerateRequest) -> str:
    return base64.b64encode(f"simulator {request.conversation.digest}".encode()).decode()


def _frame(request: GenerateRequest) -> Json:
    return {"modelVersion": request.conversation.model, "responseId": f"sim{request.conversation.digest}"}


def _last(request: GenerateRequest, answered: Answered, parts: list[Json], *, no_usage: bool) -> Json:
    """A whole answer, or what ends a stream."""
    reply = answered.replies[0]
    chunk: Json = {}
    if reply.stop is Stop.REFUSAL:
        chunk["promptFeedback"] = {"blockReason": "PROHIBITED_CONTENT", "safetyRatings": [RATING]}
    else:
        candidate: Json = {
            "content": {"parts": parts, "role": "model"},
            "finishReason": _FINISH[reply.stop],
            "index": 0,
        }
        if reply.stop is Stop.FILTER:
            candidate["safetyRatings"] = [RATING]
        candidate.update(_beside(request, reply))
        chunk["candidates"] = [candidate]
    if not no_usage:
        chunk["usageMetadata"] = _usage(answered)
    return {**chunk, **_frame(request)}


def _beside(request: GenerateRequest, reply: Reply) -> Json:
    text = "".join(reply.text)
    more: Json = {}
    if request.searches and text:
        support = {"segment": {"endIndex": len(text.encode()), "text": text}, "groundingChunkIndices": [0]}
        more["groundingMetadata"] = {
            "webSearchQueries": ["turnpike simulator"],
            "groundingChunks": [SOURCE],
            "groundingSupports": [support],
        }
    if request.logprobs is not None:
        chosen = [{"token": token, "logProbability": -0.25} for token in reply.text]
        tops = [{"candidates": [one] * request.logprobs} for one in chosen]
        more["logprobsResult"] = {"chosenCandidates": chosen, **({"topCandidates": tops} if request.logprobs else {})}
    return more


def _usage(answered: Answered) -> Json:
    """Gemini counts thoughts beside the answer, and says nothing of what went into a cache."""
    usage, reply = answered.usage, answered.replies[0]
    blocked = reply.stop is Stop.REFUSAL
    said = 0 if blocked else usage.output_tokens - usage.reasoning_tokens
    thoughts = 0 if blocked else usage.reasoning_tokens
    counted: Json = {
        "promptTokenCount": usage.input_tokens,
        "totalTokenCount": usage.input_tokens + said + thoughts,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.input_tokens}],
    }
    named = {
        "candidatesTokenCount": said,
        "cachedContentTokenCount": usage.cache_read_tokens,
        "thoughtsTokenCount": thoughts,
    }
    return {**counted, **{name: count for name, count in named.items() if count}}


def _chunks(request: GenerateRequest, answered: Answered, *, no_usage: bool) -> Iterator[Json]:
    """Thoughts and text word by word, calls whole; the last one says why it ends."""
    reply = answered.replies[0]
    pieces: list[Json] = []
    if reply.stop is not Stop.REFUSAL:
        if request.show_thoughts:
            pieces += ({"text": word, "thought": True} for word in reply.thinking)
        pieces += ({"text": word} for word in reply.text)
        pieces += _calls(request, reply)
    for piece in pieces[:-1]:
        chunk: Json = {"candidates": [{"content": {"parts": [piece], "role": "model"}, "index": 0}]}
        if not no_usage:
            chunk["usageMetadata"] = {"promptTokenCount": answered.usage.input_tokens}
        yield {**chunk, **_frame(request)}
    yield _last(request, answered, pieces[-1:], no_usage=no_usage)


_VERBS: dict[str, Callable[[Call, str], Answer]] = {
    "generateContent": _generate,
    "streamGenerateContent": _stream,
    "countTokens": _count,
    "predict": _predict,
    "embedContent": gemini_embeddings.embed,
    "batchEmbedContents": gemini_embeddings.embed_batch,
}

OPERATIONS = (
    Operation("POST", "/v1beta/models/*", gemini.vendor, model_call),
    Operation("POST", "/v1/models/*", gemini.vendor, model_call),
)
