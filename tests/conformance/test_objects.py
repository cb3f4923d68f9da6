"""Files, batches, vector stores, jobs and stored answers through the vendors' own SDKs."""

import io
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pytest

from tests.support.gateway import SIDES, RunningGateway
from tests.support.sdks import SYNC_AND_ASYNC, Calls, calls_to, value_of

CHAT = SIDES["openai_chat"].model
MESSAGES = SIDES["anthropic_messages"].model
SCOPES = ["models:read", "inference:text", "passthrough"]


def passing_key(gateway: RunningGateway, slug: str) -> str:
    """A key whose objects are made at this provider."""
    return gateway.create_key(f"objects at {slug}", scopes=SCOPES, default_provider=slug)


@pytest.fixture(params=SYNC_AND_ASYNC)
async def sdks(gateway: RunningGateway, request: pytest.FixtureRequest) -> AsyncIterator[Calls]:
    at_openai = passing_key(gateway, SIDES["openai_chat"].slug)
    at_anthropic = passing_key(gateway, SIDES["anthropic_messages"].slug)
    async with (
        calls_to(gateway.url, at_openai, request.param) as one,
        calls_to(gateway.url, at_anthropic, request.param) as other,
    ):
        yield Calls(one.openai, other.anthropic, one.gemini, one.kind)


def jsonl(*bodies: dict[str, Any]) -> bytes:
    lines = (
        {"custom_id": f"line-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        for number, body in enumerate(bodies)
    )
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def hello(text: str = "hello") -> dict[str, Any]:
    return {"model": CHAT, "messages": [{"role": "user", "content": text}]}


async def listed(found: Any) -> list[str]:
    """Ids of every page of a list."""
    if hasattr(found, "__aiter__"):
        return [each.id async for each in found]
    return [each.id for each in await value_of(found)]


async def test_openai_files(sdks: Calls) -> None:
    client = sdks.openai
    made = await value_of(client.files.create(file=("notes.txt", io.BytesIO(b"some notes")), purpose="user_data"))

    assert (made.filename, made.bytes, made.purpose) == ("notes.txt", 10, "user_data")
    assert (await value_of(client.files.retrieve(made.id))).id == made.id
    assert made.id in await listed(client.files.list(limit=2))
    content = await value_of(client.files.content(made.id))
    assert content.content == b"some notes"
    assert (await value_of(client.files.delete(made.id))).deleted is True
    with pytest.raises(openai.NotFoundError):
        await value_of(client.files.retrieve(made.id))


async def test_openai_batches(sdks: Calls, gateway: RunningGateway) -> None:
    client = sdks.openai
    file = await value_of(client.files.create(file=("in.jsonl", jsonl(hello(), hello("two words"))), purpose="batch"))
    batch = await value_of(
        client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    )
    await value_of(client.batches.retrieve(batch.id))
    done = await value_of(client.batches.retrieve(batch.id))

    assert (done.status, done.request_counts.completed) == ("completed", 2)
    output = await value_of(client.files.content(done.output_file_id))
    assert len(output.text.splitlines()) == 2
    assert batch.id in await listed(client.batches.list(limit=1))
    assert gateway.ledger_row(batch.id)["billable_requests"] == 2


async def test_a_wrong_line_of_a_batch_raises_what_the_sdk_knows(sdks: Calls) -> None:
    wrong = jsonl(hello(), {**hello(), "model": "nowhere"})
    with pytest.raises(openai.BadRequestError, match=r"line 2, body\.model"):
        await value_of(sdks.openai.files.create(file=("in.jsonl", wrong), purpose="batch"))


async def test_openai_vector_stores(sdks: Calls) -> None:
    client = sdks.openai
    file = await value_of(client.files.create(file=("a.txt", b"text"), purpose="assistants"))
    store = await value_of(client.vector_stores.create(name="notes"))
    await value_of(client.vector_stores.files.create(file_id=file.id, vector_store_id=store.id))

    assert (await value_of(client.vector_stores.retrieve(store.id))).name == "notes"
    assert await listed(client.vector_stores.files.list(store.id)) == [file.id]
    assert store.id in await listed(client.vector_stores.list(limit=2))
    assert (await value_of(client.vector_stores.delete(store.id))).deleted is True


async def test_openai_fine_tuning_jobs(sdks: Calls) -> None:
    client = sdks.openai
    file = await value_of(client.files.create(file=("t.jsonl", b"{}\n"), purpose="fine-tune"))
    job = await value_of(client.fine_tuning.jobs.create(model=CHAT, training_file=file.id))
    await value_of(client.fine_tuning.jobs.retrieve(job.id))
    done = await value_of(client.fine_tuning.jobs.retrieve(job.id))

    assert (done.status, done.fine_tuned_model.startswith("ft:")) == ("succeeded", True)
    assert job.id in await listed(client.fine_tuning.jobs.list(limit=1))
    assert (await value_of(client.files.content(done.result_files[0]))).content.startswith(b"step")


async def test_openai_stored_chats(sdks: Calls) -> None:
    client = sdks.openai
    text = f"keep {time.time_ns()}"
    made = await sdks.chat(model=CHAT, messages=[{"role": "user", "content": text}], store=True)

    assert (await value_of(client.chat.completions.retrieve(made.id))).choices[0].message.content.endswith(text)
    assert made.id in await listed(client.chat.completions.list())
    assert (await value_of(client.chat.completions.delete(made.id))).deleted is True


async def test_anthropic_batches(sdks: Calls, gateway: RunningGateway) -> None:
    client: Any = sdks.anthropic.messages.batches
    params = {"model": MESSAGES, "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]}
    batch = await value_of(client.create(requests=[{"custom_id": "one", "params": params}]))
    await value_of(client.retrieve(batch.id))
    done = await value_of(client.retrieve(batch.id))

    assert (done.processing_status, done.request_counts.succeeded) == ("ended", 1)
    assert batch.id in await listed(client.list(limit=1))
    assert done.results_url.startswith(gateway.url), "the SDK follows it with the gateway's key"
    results = await value_of(client.results(batch.id))
    found = [each async for each in results] if hasattr(results, "__aiter__") else list(results)
    assert [(each.custom_id, each.result.type) for each in found] == [("one", "succeeded")]
    with pytest.raises(anthropic.BadRequestError, match=r"requests\.0\.params\.model"):
        await value_of(client.create(requests=[{"custom_id": "one", "params": {**params, "model": "nowhere"}}]))


async def test_anthropic_files(sdks: Calls) -> None:
    client: Any = sdks.anthropic.beta.files
    made = await value_of(client.upload(file=("a.txt", b"text", "text/plain")))

    assert (made.filename, made.size_bytes) == ("a.txt", 4)
    assert (await value_of(client.retrieve_metadata(made.id))).id == made.id
    assert made.id in await listed(client.list(limit=1))
    assert (await value_of(client.delete(made.id))).type == "file_deleted"
    with pytest.raises(anthropic.NotFoundError):
        await value_of(client.retrieve_metadata(made.id))


async def test_the_sdks_raise_permission_errors_for_what_is_closed(gateway: RunningGateway, sdks: Calls) -> None:
    ordinary = gateway.create_key("closed")
    async with calls_to(gateway.url, ordinary, "async") as closed:
        with pytest.raises(openai.PermissionDeniedError, match="passthrough"):
            await value_of(closed.openai.files.list())
        with pytest.raises(anthropic.PermissionDeniedError, match="passthrough"):
            await value_of(closed.anthropic.beta.files.list())
    with pytest.raises(openai.PermissionDeniedError, match="administers"):
        await value_of(sdks.openai.get("/organization/users", cast_to=object))
