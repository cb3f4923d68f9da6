"""Cohere's own SDK, `ClientV2`."""

import json
from typing import Any

import cohere
from harness import PERSON, PROMPT, TEXTS, TOOL_PROMPT, WEATHER, Asked, get_weather, run


def client(asked: Asked) -> cohere.ClientV2:
    return cohere.ClientV2(api_key=asked.key, base_url=asked.url)


def usage(found: Any) -> list[int]:
    return [int(found.billed_units.input_tokens), int(found.billed_units.output_tokens)]


def chat(asked: Asked) -> dict[str, Any]:
    answer = client(asked).chat(model=asked.model, messages=[{"role": "user", "content": PROMPT}])
    return {"text": answer.message.content[0].text, "stop": answer.finish_reason, "usage": usage(answer.usage)}


def stream(asked: Asked) -> dict[str, Any]:
    pieces: list[str] = []
    kinds: list[str] = []
    last = None
    for event in client(asked).chat_stream(model=asked.model, messages=[{"role": "user", "content": PROMPT}]):
        kinds.append(event.type)
        if event.type == "content-delta":
            pieces.append(event.delta.message.content.text)
        last = event
    assert kinds[:2] == ["message-start", "content-start"], kinds
    assert kinds[-2:] == ["content-end", "message-end"], kinds
    return {"text": "".join(pieces), "pieces": len(pieces), "usage": usage(last.delta.usage)}


def tools(asked: Asked) -> dict[str, Any]:
    api = client(asked)
    offered = [{"type": "function", "function": WEATHER}]
    messages: list[Any] = [{"role": "user", "content": TOOL_PROMPT}]
    first = api.chat(model=asked.model, messages=messages, tools=offered)
    (call,) = first.message.tool_calls
    arguments = json.loads(call.function.arguments)
    messages.append(first.message)
    messages.append({"role": "tool", "tool_call_id": call.id, "content": get_weather(**arguments)})
    second = api.chat(model=asked.model, messages=messages, tools=offered)
    return {"calls": [[call.function.name, arguments]], "text": second.message.content[0].text}


def stream_tools(asked: Asked) -> dict[str, Any]:
    name, arguments, kinds = "", "", []
    for event in client(asked).chat_stream(
        model=asked.model,
        messages=[{"role": "user", "content": TOOL_PROMPT}],
        tools=[{"type": "function", "function": WEATHER}],
    ):
        kinds.append(event.type)
        if event.type == "tool-call-start":
            name = event.delta.message.tool_calls.function.name
        elif event.type == "tool-call-delta":
            arguments += event.delta.message.tool_calls.function.arguments
    assert "tool-call-end" in kinds, kinds
    return {"calls": [[name, json.loads(arguments)]]}


def structured(asked: Asked) -> dict[str, Any]:
    answer = client(asked).chat(
        model=asked.model,
        messages=[{"role": "user", "content": PROMPT}],
        response_format={"type": "json_object", "json_schema": PERSON},
    )
    return {"value": json.loads(answer.message.content[0].text)}


def embeddings(asked: Asked) -> dict[str, Any]:
    answer = client(asked).embed(
        model=asked.model, texts=TEXTS, input_type="search_document", embedding_types=["float"]
    )
    return {"vectors": answer.embeddings.float_, "usage": [int(answer.meta.billed_units.input_tokens), 0]}


def documents(asked: Asked) -> dict[str, Any]:
    answer = client(asked).chat(
        model=asked.model,
        messages=[{"role": "user", "content": PROMPT}],
        documents=[{"id": "doc:0", "data": {"title": "T", "text": "one two"}}],
    )
    (citation,) = answer.message.citations
    return {"text": answer.message.content[0].text, "cited": citation.text, "source": citation.sources[0].id}


def rerank(asked: Asked) -> dict[str, Any]:
    answer = client(asked).rerank(model=asked.model, query=TEXTS[0], documents=["a blue whale", *TEXTS], top_n=2)
    return {"order": [one.index for one in answer.results]}


run({
    "chat": chat,
    "stream": stream,
    "tools": tools,
    "stream_tools": stream_tools,
    "structured": structured,
    "embeddings": embeddings,
    "documents": documents,
    "rerank": rerank,
})  # fmt: skip
