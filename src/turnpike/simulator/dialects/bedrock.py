"""Amazon Bedrock: Converse and InvokeModel (Anthropic's form), whole and streamed, and its lists of models.

Source: the Bedrock and Bedrock Runtime API references, and the Bedrock user guide's pages on Claude.
"""

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import msgspec

from turnpike.simulator.dialects import amazon, anthropic_messages, bedrock_embeddings, bedrock_request
from turnpike.simulator.dialects.amazon import AMAZON, event
from turnpike.simulator.dialects.fields import FieldError
from turnpike.simulator.exchange import Answer, Call, Operation, Refused, json_answer
from turnpike.simulator.instances import SchemaError
from turnpike.simulator.replies import Answered, Reply, Stop, answer
from turnpike.wire.types.usage import Usage

VERSION = "bedrock-2023-05-31"
_STOPS = {
    Stop.END: "end_turn",
    Stop.SEQUENCE: "stop_sequence",
    Stop.LENGTH: "max_tokens",
    Stop.TOOLS: "tool_use",
    Stop.FILTER: "content_filtered",
    Stop.REFUSAL: "guardrail_intervened",
}
_PIECE = 12
_METRICS = {"latencyMs": 1}
_FOUNDATION = (
    ("amazon.nova-lite-v1:0", "Nova Lite", ["TEXT"], ["ON_DEMAND"]),
    ("anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude Sonnet 4.5", ["TEXT"], ["INFERENCE_PROFILE"]),
    ("amazon.titan-embed-text-v2:0", "Titan Text Embeddings V2", ["EMBEDDING"], ["ON_DEMAND"]),
)
_PROFILES = (("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "US Claude Sonnet 4.5"),)


def runtime(call: Call) -> Answer:
    """`/model/{modelId}/{operation}`; the id is encoded as one segment."""
    amazon.authorize(call)
    segment, _, operation = call.raw_path.removeprefix("/model/").partition("/")
    model = unquote(segment)
    if model.startswith("missing"):
        raise Refused("The provided model identifier is invalid.", status=404)
    if operation in ("converse", "converse-stream"):
        return _converse(call, model, streams=operation.endswith("stream"))
    if operation in ("invoke", "invoke-with-response-stream"):
        return _invoke(call, model, streams=operation.endswith("stream"))
    raise Refused(f"The simulator's Bedrock has no operation {operation}.", status=404)


# ---- Converse


def _converse(call: Call, model: str, *, streams: bool) -> Answer:
    try:
        conversation = bedrock_request.read(call.data, model, call.body)
        answered = answer(conversation)
    except FieldError as error:
        raise Refused(f"{error.path}: {error.message}") from error
    except SchemaError as error:
        raise Refused(str(error)) from error
    headers = AMAZON.headers(call.number)
    reply = answered.replies[0]
    if streams:
        return amazon.events_answer(list(_events(conversation.digest, answered, call)), headers)
    whole: dict[str, Any] = {
        "output": {"message": {"role": "assistant", "content": _blocks(conversation.digest, reply)}},
        "stopReason": _STOPS[reply.stop],
        "metrics": _METRICS,
    }
    if not call.faults.no_usage:
        whole["usage"] = _usage(answered.usage)
    if "guardrailConfig" in call.data:
        whole["trace"] = _trace()
    return json_answer(whole, headers)


def _trace() -> dict[str, Any]:
    rating = {"type": "VIOLENCE", "confidence": "LOW", "action": "NONE"}
    return {"guardrail": {"inputAssessment": {"sim": {"contentPolicy": {"filters": [rating]}}}}}


def _usage(usage: Usage) -> dict[str, Any]:
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    counted: dict[str, Any] = {
        "inputTokens": usage.input_tokens - usage.cache_read_tokens - written,
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.input_tokens + usage.output_tokens,
        "cacheReadInputTokens": usage.cache_read_tokens,
        "cacheWriteInputTokens": written,
    }
    if usage.cache_write_1h_tokens:
        counted["cacheDetails"] = [{"ttl": "1h", "inputTokens": usage.cache_write_1h_tokens}]
    return counted


def _signature(digest: str) -> str:
    return base64.b64encode(f"simulator {digest}".encode()).decode()


def _blocks(digest: str, reply: Reply) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if reply.thinking and reply.hidden_thinking:
        blocks.append({"reasoningContent": {"redactedContent": _signature(digest)}})
    elif reply.thinking:
        thought = {"text": "".join(reply.thinking), "signature": _signature(digest)}
        blocks.append({"reasoningContent": {"reasoningText": thought}})
    if reply.text:
        blocks.append({"text": "".join(reply.text)})
    for call in reply.calls:
        arguments = msgspec.json.decode(call.arguments)
        blocks.append({"toolUse": {"toolUseId": f"tooluse_{call.id}", "name": call.name, "input": arguments}})
    return blocks


def _events(digest: str, answered: Answered, call: Call) -> Iterator[bytes]:
    reply = answered.replies[0]
    yield event("messageStart", {"role": "assistant", "p": "abcd"})
    for index, block in enumerate(_blocks(digest, reply)):
        yield from _block_events(index, block, reply)
    yield event("messageStop", {"stopReason": _STOPS[reply.stop]})
    told: dict[str, Any] = {"metrics": _METRICS}
    if not call.faults.no_usage:
        told["usage"] = _usage(answered.usage)
    if "guardrailConfig" in call.data:
        told["trace"] = _trace()
    yield event("metadata", told)


def _block_events(index: int, block: dict[str, Any], reply: Reply) -> Iterator[bytes]:
    """Only a tool's call has a start of its own."""
    if "toolUse" in block:
        start = {name: block["toolUse"][name] for name in ("toolUseId", "name")}
        yield event("contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": start}})
    for delta in _deltas(block, reply):
        yield event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta, "p": "abcdefgh"})
    yield event("contentBlockStop", {"contentBlockIndex": index})


def _deltas(block: dict[str, Any], reply: Reply) -> Iterator[dict[str, Any]]:
    if "text" in block:
        yield from ({"text": piece} for piece in reply.text)
    elif "toolUse" in block:
        arguments = msgspec.json.encode(block["toolUse"]["input"]).decode()
        for start in range(0, len(arguments), _PIECE):
            yield {"toolUse": {"input": arguments[start : start + _PIECE]}}
    elif "redactedContent" in block["reasoningContent"]:
        yield {"reasoningContent": block["reasoningContent"]}
    else:
        yield from ({"reasoningContent": {"text": piece}} for piece in reply.thinking)
        yield {"reasoningContent": {"signature": block["reasoningContent"]["reasoningText"]["signature"]}}


# ---- InvokeModel


def _invoke(call: Call, model: str, *, streams: bool) -> Answer:
    """The model's own form; the model and whether it streams stand in the path."""
    for name in ("model", "stream"):
        if name in call.data:
            raise Refused(f"Malformed input request: #: extraneous key [{name}] is not permitted")
    if "titan-embed" in model:
        return bedrock_embeddings.titan(call)
    if "cohere.embed" in model:
        return bedrock_embeddings.cohere(call)
    if call.data.get("anthropic_version") != VERSION:
        raise Refused("Malformed input request: #: required key [anthropic_version] not found")
    if "anthropic" not in model:
        raise Refused("Malformed input request for this model")
    data = {name: value for name, value in call.data.items() if name != "anthropic_version"}
    inner = msgspec.structs.replace(
        call, data={**data, "model": model, "stream": streams}, headers={**call.headers, "anthropic-version": VERSION}
    )
    answered = anthropic_messages.messages(inner)
    if answered.events is None:
        return answered
    chunks = [_chunk(sse.partition(b"\ndata: ")[2].strip()) for sse in answered.events]
    return amazon.events_answer(chunks, AMAZON.headers(call.number))


def _chunk(data: bytes) -> bytes:
    return event("chunk", {"bytes": base64.b64encode(data).decode(), "p": "abcdefghijk"})


# ---- lists


def foundation_models(call: Call) -> Answer:
    amazon.authorize(call)
    rows = [
        {
            "modelId": name, "modelName": shown, "providerName": shown.split(maxsplit=1)[0],
            "outputModalities": outputs, "inferenceTypesSupported": kinds, "modelLifecycle": {"status": "ACTIVE"},
        }
        for name, shown, outputs, kinds in _FOUNDATION
    ]  # fmt: skip
    return json_answer({"modelSummaries": rows}, AMAZON.headers(call.number))


def inference_profiles(call: Call) -> Answer:
    amazon.authorize(call)
    rows = [
        {"inferenceProfileId": name, "inferenceProfileName": shown, "status": "ACTIVE"} for name, shown in _PROFILES
    ]
    return json_answer({"inferenceProfileSummaries": rows}, AMAZON.headers(call.number))


OPERATIONS = (
    Operation("POST", "/model/*", amazon.vendor, runtime),
    Operation("GET", "/foundation-models", amazon.vendor, foundation_models),
    Operation("GET", "/inference-profiles", amazon.vendor, inference_profiles),
)
