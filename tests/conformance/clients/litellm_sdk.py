"""LiteLLM as a client library."""

import base64
import json
import os
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # its price list would be fetched otherwise

import litellm
from harness import PERSON, PROMPT, RECORDING, TEXTS, TOOL_PROMPT, WEATHER, Asked, get_weather, run

HELLO: list[Any] = [{"role": "user", "content": PROMPT}]


def common(asked: Asked) -> dict[str, Any]:
    provider = asked.sdk.removeprefix("litellm-")
    base = {"openai": f"{asked.url}/v1", "anthropic": asked.url}[provider]
    return {"model": f"{provider}/{asked.model}", "api_base": base, "api_key": asked.key}


def chat(asked: Asked) -> dict[str, Any]:
    answer = litellm.completion(messages=HELLO, **common(asked))
    usage = [answer.usage.prompt_tokens, answer.usage.completion_tokens]
    return {"text": answer.choices[0].message.content, "stop": answer.choices[0].finish_reason, "usage": usage}


def stream(asked: Asked) -> dict[str, Any]:
    deltas = [
        chunk.choices[0].delta.content for chunk in litellm.completion(messages=HELLO, stream=True, **common(asked))
    ]
    pieces = [one for one in deltas if one]
    return {"text": "".join(pieces), "pieces": len(pieces)}


def tools(asked: Asked) -> dict[str, Any]:
    offered = [{"type": "function", "function": WEATHER}]
    messages: list[Any] = [{"role": "user", "content": TOOL_PROMPT}]
    first = litellm.completion(messages=messages, tools=offered, **common(asked)).choices[0].message
    (call,) = first.tool_calls
    arguments = json.loads(call.function.arguments)
    messages += [first, {"role": "tool", "tool_call_id": call.id, "content": get_weather(**arguments)}]
    second = litellm.completion(messages=messages, tools=offered, **common(asked))
    return {"calls": [[call.function.name, arguments]], "text": second.choices[0].message.content}


def structured(asked: Asked) -> dict[str, Any]:
    described = {"name": "person", "schema": PERSON, "strict": True}
    answer = litellm.completion(
        messages=HELLO, response_format={"type": "json_schema", "json_schema": described}, **common(asked)
    )
    return {"value": json.loads(answer.choices[0].message.content)}


def embeddings(asked: Asked) -> dict[str, Any]:
    answer = litellm.embedding(input=TEXTS, **common(asked))
    return {"vectors": [one["embedding"] for one in answer.data], "usage": [answer.usage.prompt_tokens, 0]}


def image(asked: Asked) -> dict[str, Any]:
    answer = litellm.image_generation(prompt=PROMPT, response_format="b64_json", **common(asked))
    return {"begins": base64.b64decode(answer.data[0].b64_json)[:4].hex()}


def speech(asked: Asked) -> dict[str, Any]:
    return {"bytes": len(litellm.speech(input=PROMPT, voice="alloy", **common(asked)).content)}


def transcription(asked: Asked) -> dict[str, Any]:
    return {"text": litellm.transcription(file=("a.wav", RECORDING, "audio/wav"), **common(asked)).text}


run({
    "chat": chat,
    "stream": stream,
    "tools": tools,
    "structured": structured,
    "embeddings": embeddings,
    "image": image,
    "speech": speech,
    "transcription": transcription,
})  # fmt: skip
