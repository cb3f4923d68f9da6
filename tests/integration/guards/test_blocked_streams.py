"""A stream that a guard ends, in the vendors' own SDKs: never a clean end, and the caller reads which policy it was."""

import asyncio
from collections.abc import Callable, Iterator

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as google_errors

from tests.support.guarding import EMAIL, pii, policy, repeating
from tests.support.relay_process import KEY, Stage
from tests.support.upstream import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
TEXT = "before " * 100 + f" {EMAIL} " + "behind " * 100
Seen = tuple[str, str]
"""What the caller read, and the error that its SDK raised."""


def _read(pieces: Iterator[str], error: type[Exception]) -> Seen:
    """All pieces, up to the error that must come."""
    found: list[str] = []
    with pytest.raises(error) as told:
        found.extend(pieces)  # keeps what came before
    return "".join(found), str(told.value)


def _openai_chat(url: str, model: str) -> Seen:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0)
    stream = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}], stream=True)
    return _read((each.choices[0].delta.content or "" for each in stream if each.choices), openai.APIError)


def _openai_responses(url: str, model: str) -> Seen:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0)
    events = client.responses.create(model=model, input="hi", stream=True, store=False)
    return _read((each.delta for each in events if each.type == "response.output_text.delta"), openai.APIError)


def _anthropic(url: str, model: str) -> Seen:
    client = anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0)
    messages: list[anthropic.types.MessageParam] = [{"role": "user", "content": "hi"}]
    with client.messages.stream(model=model, max_tokens=10, messages=messages) as stream:
        return _read(iter(stream.text_stream), anthropic.APIStatusError)


def _gemini(url: str, model: str) -> Seen:
    client = genai.Client(api_key=KEY, http_options={"base_url": url})
    chunks = client.models.generate_content_stream(model=model, contents="hi")
    return _read((each.text or "" for each in chunks), google_errors.APIError)


@pytest.mark.parametrize("ask", [_openai_chat, _openai_responses, _anthropic, _gemini])
async def test_the_sdk_raises_and_says_which_policy(stage: Stage, ask: Callable[[str, str], Seen]) -> None:
    await stage.change(guard_policies=(policy(pii("block", "answer")),))
    async with serving(repeating(TEXT)) as upstream:
        model = await stage.model(upstream)
        found, told = await asyncio.to_thread(ask, f"http://127.0.0.1:{stage.port}", model)
    assert found.startswith("before before")
    assert "bob" not in found
    assert "behind" not in found
    assert "house" in told
    assert EMAIL not in told
