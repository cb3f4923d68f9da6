"""Mistral's own SDK."""

import json
from typing import Any

from harness import PROMPT, TEXTS, TOOL_PROMPT, WEATHER, Asked, get_weather, run
from mistralai.client import Mistral
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


HELLO: list[Any] = [{"role": "user", "content": PROMPT}]


def client(asked: Asked) -> Mistral:
    return Mistral(api_key=asked.key, server_url=asked.url)


def chat(asked: Asked) -> dict[str, Any]:
    answer = client(asked).chat.complete(model=asked.model, messages=HELLO)
    choice = answer.choices[0]
    usage = [answer.usage.prompt_tokens, answer.usage.completion_tokens]
    return {"text": choice.message.content, "stop": choice.finish_reason, "usage": usage}


def stream(asked: Asked) -> dict[str, Any]:
    with client(asked).chat.stream(model=asked.model, messages=HELLO) as events:
        deltas = [event.data.choices[0].delta.content for event in events if event.data.choices]
    pieces = [one for one in deltas if one]
    return {"text": "".join(pieces), "pieces": len(pieces)}


def tools(asked: Asked) -> dict[str, Any]:
    api = client(asked)
    offered: list[Any] = [{"type": "function", "function": WEATHER}]
    messages: list[Any] = [{"role": "user", "content": TOOL_PROMPT}]
    first = api.chat.complete(model=asked.model, messages=messages, tools=offered, tool_choice="auto")
    message = first.choices[0].message
    (call,) = message.tool_calls
    arguments = json.loads(call.function.arguments)
    messages.append(message)
    result = get_weather(**arguments)
    messages.append({"role": "tool", "name": call.function.name, "tool_call_id": call.id, "content": result})
    second = api.chat.complete(model=asked.model, messages=messages, tools=offered)
    return {"calls": [[call.function.name, arguments]], "text": second.choices[0].message.content}


def structured(asked: Asked) -> dict[str, Any]:
    answer = client(asked).chat.parse(model=asked.model, messages=HELLO, response_format=Person)
    return {"value": answer.choices[0].message.parsed.model_dump()}


def embeddings(asked: Asked) -> dict[str, Any]:
    answer = client(asked).embeddings.create(model=asked.model, inputs=TEXTS)
    return {"vectors": [one.embedding for one in answer.data], "usage": [answer.usage.prompt_tokens, 0]}


run({"chat": chat, "stream": stream, "tools": tools, "structured": structured, "embeddings": embeddings})
