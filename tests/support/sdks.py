"""The vendors' own SDKs, synchronous and asynchronous, behind one way of calling them.

A test says `await calls.chat(...)` and runs with both kinds of client; what comes back is the SDK's own objects.
"""

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
from google import genai
from google.genai import types

from tests.support.trust import machines_certificates

SYNC_AND_ASYNC = ("sync", "async")


async def value_of(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


async def collected(stream: Any) -> list[Any]:
    """Everything that a stream of either kind yields."""
    if isinstance(stream, AsyncIterable):
        return [one async for one in stream]
    assert isinstance(stream, Iterable)
    return list(stream)


@dataclass
class Calls:
    """One address, every SDK. Retries are off: a test sees the first answer."""

    openai: openai.OpenAI | openai.AsyncOpenAI
    anthropic: anthropic.Anthropic | anthropic.AsyncAnthropic
    gemini: genai.Client
    kind: str

    async def chat(self, **arguments: Any) -> Any:
        return await value_of(self.openai.chat.completions.create(**arguments))

    async def chat_stream(self, **arguments: Any) -> list[Any]:
        return await collected(await value_of(self.openai.chat.completions.create(stream=True, **arguments)))

    async def responses(self, **arguments: Any) -> Any:
        return await value_of(self.openai.responses.create(**arguments))

    async def responses_stream(self, **arguments: Any) -> list[Any]:
        return await collected(await value_of(self.openai.responses.create(stream=True, **arguments)))

    async def messages(self, **arguments: Any) -> Any:
        return await value_of(self.anthropic.messages.create(**arguments))

    async def messages_stream(self, **arguments: Any) -> list[Any]:
        return await collected(await value_of(self.anthropic.messages.create(stream=True, **arguments)))

    @property
    def gemini_models_api(self) -> Any:
        """Gemini's SDK has both kinds of client in one."""
        return self.gemini.models if self.kind == "sync" else self.gemini.aio.models

    async def generate(self, **arguments: Any) -> Any:
        return await value_of(self.gemini_models_api.generate_content(**arguments))

    async def generate_stream(self, **arguments: Any) -> list[Any]:
        return await collected(await value_of(self.gemini_models_api.generate_content_stream(**arguments)))

    async def gemini_count(self, **arguments: Any) -> Any:
        return await value_of(self.gemini_models_api.count_tokens(**arguments))

    async def gemini_embeddings(self, **arguments: Any) -> Any:
        return await value_of(self.gemini_models_api.embed_content(**arguments))

    async def gemini_models(self, **config: Any) -> list[Any]:
        return await collected(await value_of(self.gemini_models_api.list(config=config)))

    async def gemini_model(self, name: str) -> Any:
        return await value_of(self.gemini_models_api.get(model=name))

    async def count_tokens(self, **arguments: Any) -> Any:
        return await value_of(self.anthropic.messages.count_tokens(**arguments))

    async def embeddings(self, **arguments: Any) -> Any:
        return await value_of(self.openai.embeddings.create(**arguments))

    async def openai_models(self) -> list[Any]:
        return list((await value_of(self.openai.models.list())).data)

    async def openai_model(self, name: str) -> Any:
        return await value_of(self.openai.models.retrieve(name))

    async def anthropic_models(self, **arguments: Any) -> list[Any]:
        return list((await value_of(self.anthropic.models.list(**arguments))).data)

    async def anthropic_model(self, name: str) -> Any:
        return await value_of(self.anthropic.models.retrieve(name))


@asynccontextmanager
async def calls_to(url: str, key: str, kind: str, *, timeout_s: float = 20.0) -> AsyncIterator[Calls]:
    """`url` has no path; `kind` is one of SYNC_AND_ASYNC."""
    common: dict[str, Any] = {"api_key": key, "max_retries": 0, "timeout": timeout_s}
    if kind == "sync":
        with (
            openai.OpenAI(base_url=f"{url}/v1", **common) as one,
            anthropic.Anthropic(base_url=url, **common) as other,
            gemini_client(url, key, timeout_s) as third,
        ):
            yield Calls(one, other, third, kind)
    else:
        async with (
            openai.AsyncOpenAI(base_url=f"{url}/v1", **common) as one,
            anthropic.AsyncAnthropic(base_url=url, **common) as other,
        ):
            with gemini_client(url, key, timeout_s) as third:
                yield Calls(one, other, third, kind)
                await third.aio.aclose()


def gemini_client(url: str, key: str, timeout_s: float = 20.0, **options: Any) -> genai.Client:
    """`options`: further ones of the SDK's `HttpOptions`."""
    trust: dict[str, Any] = {name: machines_certificates() for name in ("verify", "ssl")}
    http = types.HttpOptions(
        base_url=url, timeout=int(timeout_s * 1000), client_args=trust, async_client_args=trust, **options
    )
    return genai.Client(api_key=key, http_options=http)
