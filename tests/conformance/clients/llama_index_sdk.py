"""LlamaIndex's models and embeddings."""

from collections.abc import Callable
from typing import Any

from harness import PROMPT, TEXTS, TOOL_PROMPT, Asked, get_weather, run
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel


class Person(BaseModel):
    """Somebody"""

    name: str
    age: int


MODELS: dict[str, Callable[[Asked], FunctionCallingLLM]] = {
    "llama-index-openai": lambda asked: OpenAILike(
        api_base=f"{asked.url}/v1",
        api_key=asked.key,
        model=asked.model,
        is_chat_model=True,
        is_function_calling_model=True,
        should_use_structured_outputs=True,
        max_retries=0,
    ),
    "llama-index-anthropic": lambda asked: Anthropic(
        base_url=asked.url, api_key=asked.key, model=asked.model, max_retries=0
    ),
}


def of(asked: Asked) -> FunctionCallingLLM:
    return MODELS[asked.sdk](asked)


def chat(asked: Asked) -> dict[str, Any]:
    answer = of(asked).chat([ChatMessage(role="user", content=PROMPT)])
    return {"text": answer.message.content}


def stream(asked: Asked) -> dict[str, Any]:
    pieces = [chunk.delta for chunk in of(asked).stream_chat([ChatMessage(role="user", content=PROMPT)])]
    pieces = [piece for piece in pieces if piece]
    return {"text": "".join(pieces), "pieces": len(pieces)}


def tools(asked: Asked) -> dict[str, Any]:
    model = of(asked)
    weather = FunctionTool.from_defaults(get_weather)
    messages = [ChatMessage(role="user", content=TOOL_PROMPT)]
    first = model.chat_with_tools([weather], chat_history=messages)
    (call,) = model.get_tool_calls_from_response(first)
    result = weather(**call.tool_kwargs)
    messages.append(first.message)
    messages.append(ChatMessage(role="tool", content=str(result), additional_kwargs={"tool_call_id": call.tool_id}))
    second = model.chat_with_tools([weather], chat_history=messages)
    return {"calls": [[call.tool_name, call.tool_kwargs]], "text": second.message.content}


def structured(asked: Asked) -> dict[str, Any]:
    answer = of(asked).as_structured_llm(Person).chat([ChatMessage(role="user", content=PROMPT)])
    return {"value": answer.raw.model_dump()}


def embeddings(asked: Asked) -> dict[str, Any]:
    model = OpenAILikeEmbedding(api_base=f"{asked.url}/v1", api_key=asked.key, model_name=asked.model)
    return {"vectors": model.get_text_embedding_batch(TEXTS)}


run({"chat": chat, "stream": stream, "tools": tools, "structured": structured, "embeddings": embeddings})
