"""Images, moderations, videos and embeddings through the gateway, by OpenAI's own SDK: answers, rows and costs."""

import base64
import struct
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai
import pytest

from tests.support.gateway import EMBEDDING_MODEL, RunningGateway
from tests.support.media import DALL_E, GPT_IMAGE, MODERATION, SORA
from tests.support.sdks import Calls, collected

pytestmark = pytest.mark.usefixtures("media_models")

NANO = 10**9
PROMPT = "a red fox at dawn"
PNG_BEGINS = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def media_key(gateway: RunningGateway) -> str:
    return gateway.create_key("media", scopes=["inference:image", "inference:text", "embeddings", "video"])


@pytest.fixture
async def client(gateway: RunningGateway, media_key: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=media_key, max_retries=0, timeout=20) as opened:
        yield opened


# ---- images


async def test_gpt_image_answers_in_base64_and_is_billed_by_its_tokens(
    gateway: RunningGateway, client: openai.AsyncOpenAI, request_id: str
) -> None:
    answer = await client.images.generate(
        model=GPT_IMAGE.name, prompt=PROMPT, n=2, size="1024x1536", quality="high",
        extra_headers={"x-request-id": request_id},
    )  # fmt: skip
    row = gateway.ledger_row(request_id)

    assert answer.data is not None
    assert [base64.b64decode(image.b64_json or "")[:8] for image in answer.data] == [PNG_BEGINS] * 2
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (5, 800)
    assert (row["operation"], row["usage_source"], row["input_tokens"], row["output_tokens"]) == (
        "image_generation", "reported", 5, 800,
    )  # fmt: skip
    assert row["media"]["images"] == 2
    assert row["media"]["image_class"] == "1024x1536/high"
    assert row["media"]["output_image_tokens"] == 800
    # 5 tokens of text at $5 a million, 800 of images at $40
    assert row["cost_nanousd"] == 5 * 5_000 + 800 * 40_000


async def test_a_stream_of_images_shows_parts_and_costs_what_a_whole_answer_does(
    gateway: RunningGateway, client: openai.AsyncOpenAI, request_id: str
) -> None:
    asked: Any = {"model": GPT_IMAGE.name, "prompt": PROMPT, "quality": "low", "n": 2}
    stream = await client.images.generate(
        stream=True, partial_images=2, extra_headers={"x-request-id": request_id}, **asked
    )
    events = await collected(stream)
    row = gateway.ledger_row(request_id)
    await client.images.generate(extra_headers={"x-request-id": f"{request_id}-whole"}, **asked)
    whole = gateway.ledger_row(f"{request_id}-whole")

    assert [event.type.rpartition(".")[2] for event in events] == ["partial_image", "partial_image", "completed"] * 2
    assert events[-1].usage.output_tokens == 100
    for name in ("input_tokens", "output_tokens", "cost_nanousd", "media", "usage_source"):
        assert row[name] == whole[name], name
    assert row["cost_nanousd"] == 5 * 5_000 + 200 * 40_000
    assert (row["stream"], row["outcome"]) == (True, "ok")


@pytest.mark.parametrize(
    ("asked", "count", "usd"),
    [
        ({}, 1, 0.12),  # nothing is said, and the table has no price for any: the dearest
        ({"size": "1024x1024"}, 1, 0.04),
        ({"size": "1024x1024", "n": 3}, 3, 0.12),
        ({"size": "1792x1024", "quality": "hd"}, 1, 0.12),
        ({"size": "1024x1024", "quality": "hd"}, 1, 0.04),
        ({"quality": "hd"}, 1, 0.08),
    ],
)
async def test_models_that_count_no_tokens_are_billed_by_the_image_of_its_size_and_quality(
    gateway: RunningGateway, client: openai.AsyncOpenAI, request_id: str, asked: Any, count: int, usd: float
) -> None:
    answer = await client.images.generate(
        model=DALL_E.name, prompt=PROMPT, extra_headers={"x-request-id": request_id}, **asked
    )
    row = gateway.ledger_row(request_id)

    assert answer.data is not None
    assert all((image.url or "").startswith("https://") for image in answer.data)
    assert row["media"]["images"] == count
    assert row["cost_nanousd"] == round(usd * NANO)


async def test_images_come_as_base64_where_they_are_asked_for(client: openai.AsyncOpenAI) -> None:
    answer = await client.images.generate(model=DALL_E.name, prompt=PROMPT, response_format="b64_json")

    assert answer.data is not None
    assert base64.b64decode(answer.data[0].b64_json or "")[:8] == PNG_BEGINS


async def test_fields_that_the_gateway_does_not_know_reach_the_provider(
    gateway: RunningGateway, client: openai.AsyncOpenAI, request_id: str
) -> None:
    await client.images.generate(
        model=GPT_IMAGE.name, prompt=PROMPT, background="transparent", moderation="low", output_format="webp",
        output_compression=50, extra_body={"steps": 4}, extra_headers={"x-request-id": request_id},
    )  # fmt: skip
    body = gateway.upstream_call(request_id)["body"]

    for field in ('"background":"transparent"', '"output_compression":50', '"steps":4', '"model":"gpt-image-sim"'):
        assert field in body.replace(": ", ":")


async def test_a_refused_image_raises_what_the_sdk_has_for_it(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.images.generate(model=GPT_IMAGE.name, prompt=PROMPT, n=11)

    assert caught.value.param == "n"


async def test_an_image_stream_that_is_cut_is_an_error_and_charged_as_an_estimate(
    gateway: RunningGateway, client: openai.AsyncOpenAI, request_id: str
) -> None:
    headers = {"x-request-id": request_id, "x-sim-fault": "cut=1"}
    with pytest.raises(openai.APIError):
        await collected(
            await client.images.generate(
                model=GPT_IMAGE.name, prompt=PROMPT, stream=True, partial_images=2, extra_headers=headers
            )
        )
    row = gateway.ledger_row(request_id)

    assert (row["outcome"], row["usage_source"], row["media"]["images"]) == ("cut", "estimated", 1)


async def test_a_key_without_the_scope_makes_no_images(gateway: RunningGateway) -> None:
    key = gateway.create_key("text only", scopes=["inference:text"])
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0) as client:
        with pytest.raises(openai.PermissionDeniedError, match="inference:image"):
            await client.images.generate(model=GPT_IMAGE.name, prompt=PROMPT)


async def test_a_model_that_makes_no_images_is_a_clear_error(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.images.generate(model=EMBEDDING_MODEL, prompt=PROMPT)

    assert GPT_IMAGE.name in caught.value.message, "it names models that can"


# ---- moderations


@pytest.mark.parametrize(
    ("given", "flagged"),
    [
        ("a fine day", [False]),
        (["a fine day", "mere violence"], [False, True]),
        (
            [
                {"type": "text", "text": "harassment"},
                {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
            ],
            [True],
        ),
    ],
)
async def test_moderations_judge_texts_and_images_and_are_free(
    gateway: RunningGateway, client: openai.AsyncOpenAI, request_id: str, given: Any, flagged: list[bool]
) -> None:
    answer = await client.moderations.create(
        model=MODERATION.name, input=given, extra_headers={"x-request-id": request_id}
    )
    row = gateway.ledger_row(request_id)

    assert [result.flagged for result in answer.results] == flagged
    assert (row["operation"], row["cost_nanousd"], row["priced"]) == ("moderation", 0, True)


# ---- calls that name no model


async def test_a_moderation_without_a_model_goes_to_the_one_provider_that_can(
    gateway: RunningGateway, client: openai.AsyncOpenAI, request_id: str
) -> None:
    await client.moderations.create(input="hello", extra_headers={"x-request-id": request_id})
    row = gateway.ledger_row(request_id)

    assert (row["model_asked"], row["upstream_model"]) == (MODERATION.name, MODERATION.model_id)
    assert '"model":"omni-moderation-latest"' in gateway.upstream_call(request_id)["body"].replace(": ", ":")


def _rerank_without_model(gateway: RunningGateway, key: str) -> httpx2.Response:
    return httpx2.post(
        f"{gateway.url}/v1/rerank",
        json={"query": "fox", "documents": ["a fox"]},
        headers={"authorization": f"Bearer {key}"},
        timeout=20,
    )


def test_a_call_without_a_model_is_refused_where_several_providers_could_be_meant(
    gateway: RunningGateway, media_key: str
) -> None:
    answer = _rerank_without_model(gateway, media_key)

    assert answer.status_code == 400
    assert "name one of" in answer.json()["error"]["message"]
    assert answer.json()["error"]["param"] == "model"


def test_a_call_without_a_model_goes_to_the_keys_default_provider(gateway: RunningGateway) -> None:
    key = gateway.create_key("with default", default_provider="sim-voyage")
    answer = _rerank_without_model(gateway, key)

    assert answer.status_code == 200
    assert answer.headers["x-turnpike-provider"] == "sim-voyage"


# ---- videos


async def test_a_video_job_costs_its_seconds_at_the_price_of_its_size(
    gateway: RunningGateway, client: openai.AsyncOpenAI, request_id: str
) -> None:
    answer = await client.post(
        "/videos",
        cast_to=dict[str, Any],
        body={"model": SORA.name, "prompt": PROMPT, "seconds": "8", "size": "1024x1792"},
        options={"headers": {"x-request-id": request_id}},
    )
    row = gateway.ledger_row(request_id)

    assert answer["status"] == "queued"
    assert (row["operation"], row["media"]["video_ms"], row["media"]["image_class"]) == ("video", 8000, "1024x1792")
    assert row["cost_nanousd"] == 4 * NANO


# ---- embeddings


async def test_the_sdks_default_embedding_is_base64_on_the_wire_and_floats_in_the_hand(
    gateway: RunningGateway, client: openai.AsyncOpenAI, request_id: str
) -> None:
    answer = await client.embeddings.create(
        model=EMBEDDING_MODEL, input="red fox", dimensions=4, extra_headers={"x-request-id": request_id}
    )

    assert '"encoding_format":"base64"' in gateway.upstream_call(request_id)["body"].replace(": ", ":")
    assert len(answer.data[0].embedding) == 4
    assert all(isinstance(value, float) for value in answer.data[0].embedding)


async def test_embeddings_take_token_ids(one_kind: Calls) -> None:
    answer = await one_kind.embeddings(
        model=EMBEDDING_MODEL, input=[[1, 2, 3], [4]], encoding_format="base64", dimensions=2
    )

    assert answer.usage.prompt_tokens == 4
    assert [len(struct.unpack("<2f", base64.b64decode(one.embedding))) for one in answer.data] == [2, 2]


# ---- the ledger's sums


def test_sums_by_operation_count_media(gateway: RunningGateway) -> None:
    by = {row["operation"]: row for row in gateway.api("GET", "/ledger/summary", by="operation")}
    images = by["image_generation"]

    assert images["media"]["images"] >= 2
    assert images["media"]["output_image_tokens"] > 0
    assert by["video"]["media"]["video_ms"] >= 8000
