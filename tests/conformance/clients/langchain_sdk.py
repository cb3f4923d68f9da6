"""LangChain's chat models and embeddings, of each package that has one for an API that the gateway speaks."""

from collections.abc import Callable
from typing import Any

from harness import PROMPT, TEXTS, TOOL_PROMPT, Asked, get_weather, run
from langchain_anthropic import ChatAnthropic
from langchain_cohere import ChatCohere
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings
from langchain_mistralai import ChatMistralAI, MistralAIEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

weather = tool(get_weather)


class Person(BaseModel):
    """Somebody"""

    name: str
    age: int


MODELS: dict[str, Callable[[Asked], BaseChatModel]] = {
    "langchain-openai": lambda asked: ChatOpenAI(
        base_url=f"{asked.url}/v1", api_key=asked.key, model=asked.model, max_retries=0
    ),
    "langchain-openai-responses": lambda asked: ChatOpenAI(
        base_url=f"{asked.url}/v1", api_key=asked.key, model=asked.model, max_retries=0, use_responses_api=True
    ),
    "langchain-anthropic": lambda asked: ChatAnthropic(
        base_url=asked.url, api_key=asked.key, model=asked.model, max_retries=0
    ),
    "langchain-mistralai": lambda asked: ChatMistralAI(
        endpoint=f"{asked.url}/v1", api_key=asked.key, model=asked.model, max_retries=1
    ),
    "langchain-cohere": lambda asked: ChatCohere(base_url=asked.url, cohere_api_key=asked.key, model=asked.model),
    "langchain-google-genai": lambda asked: ChatGoogleGenerativeAI(
        base_url=asked.url, api_key=asked.key, model=asked.model, max_retries=0
    ),
}
EMBEDDINGS: dict[str, Callable[[Asked], Any]] = {
    "langchain-openai": lambda asked: OpenAIEmbeddings(
        base_url=f"{asked.url}/v1", api_key=asked.key, model=asked.model, check_embedding_ctx_length=False
    ),
    "langchain-mistralai": lambda asked: MistralAIEmbeddings(
        endpoint=f"{asked.url}/v1/", api_key=asked.key, model=asked.model
    ),
    "langchain-google-genai": lambda asked: GoogleGenerativeAIEmbeddings(
        base_url=asked.url, api_key=asked.key, model=asked.model
    ),
}


def of(asked: Asked) -> BaseChatModel:
    return MODELS[asked.sdk](asked)


def usage(asked: Asked, message: Any) -> list[int] | None:
    found = message.usage_metadata
    if asked.sdk == "langchain-cohere":
        return None  # it counts Cohere's `tokens`, which hold Cohere's own template, and not what is billed
    return None if found is None else [found["input_tokens"], found["output_tokens"]]


def chat(asked: Asked) -> dict[str, Any]:
    answer = of(asked).invoke(PROMPT)
    return {"text": answer.text, "usage": usage(asked, answer)}


def stream(asked: Asked) -> dict[str, Any]:
    chunks = [chunk for chunk in of(asked).stream(PROMPT) if isinstance(chunk, AIMessageChunk)]
    pieces = [chunk.text for chunk in chunks if chunk.text]
    return {"text": "".join(pieces), "pieces": len(pieces)}


def tools(asked: Asked) -> dict[str, Any]:
    model = of(asked).bind_tools([weather])
    messages: list[Any] = [HumanMessage(TOOL_PROMPT)]
    first = model.invoke(messages)
    (call,) = first.tool_calls
    result = weather.invoke(call)
    assert isinstance(result, ToolMessage)
    second = model.invoke([*messages, first, result])
    return {"calls": [[call["name"], call["args"]]], "text": second.text}


def structured(asked: Asked) -> dict[str, Any]:
    model = of(asked).with_structured_output(Person, method="json_schema")
    value = model.invoke(PROMPT)
    return {"value": value if isinstance(value, dict) else value.model_dump()}


def embeddings(asked: Asked) -> dict[str, Any]:
    return {"vectors": EMBEDDINGS[asked.sdk](asked).embed_documents(TEXTS)}


run({"chat": chat, "stream": stream, "tools": tools, "structured": structured, "embeddings": embeddings})
