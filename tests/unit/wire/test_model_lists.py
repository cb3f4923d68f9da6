"""Lists of models in the forms of vendors that say more than OpenAI does."""

import json
from typing import Any

import pytest

from turnpike.wire.dialects.models import ModelRow, read_models
from turnpike.wire.prices import Rates

LISTS: list[tuple[str, Any, ModelRow]] = [
    (
        "cohere",
        {"models": [{"name": "command-a", "endpoints": ["generate", "chat"], "context_length": 256000}]},
        ModelRow(id="command-a", capabilities=("chat",), context_window=256000),
    ),
    (
        "cohere embed",
        {"models": [{"name": "c4ai-vectors", "endpoints": ["embed"], "context_length": 512}]},
        ModelRow(id="c4ai-vectors", capabilities=("embeddings",), context_window=512),
    ),
    (
        "cloudflare",
        {
            "success": True,
            "result": [
                {
                    "id": "f8703a00-ed54-4f98-bdc3-cd9a813286f3",
                    "name": "@cf/qwen/qwen-x",
                    "task": {"id": "c329", "name": "Text Generation"},
                    "properties": [
                        {"property_id": "context_window", "value": "24000"},
                        {
                            "property_id": "price",
                            "value": [
                                {"unit": "per M input tokens", "price": 0.66, "currency": "USD"},
                                {"unit": "per M output tokens", "price": 1, "currency": "USD"},
                            ],
                        },
                    ],
                }
            ],
        },
        ModelRow(id="@cf/qwen/qwen-x", capabilities=("chat",), context_window=24000, rates=Rates(660_000, 1_000_000)),
    ),
    (
        "cloudflare translation",
        {"result": [{"id": "x", "name": "@cf/meta/m2m100", "task": {"name": "Translation"}}], "success": True},
        ModelRow(id="@cf/meta/m2m100", capabilities=()),
    ),
    (
        "databricks",
        {"endpoints": [{"id": "0f", "name": "databricks-gte", "task": "llm/v1/embeddings"}]},
        ModelRow(id="databricks-gte", capabilities=("embeddings",)),
    ),
    (
        "github",
        [
            {
                "id": "openai/gpt-4.1",
                "name": "OpenAI GPT-4.1",
                "supported_output_modalities": ["text"],
                "limits": {"max_input_tokens": 1048576, "max_output_tokens": 32768},
            }
        ],
        ModelRow(
            id="openai/gpt-4.1",
            display_name="OpenAI GPT-4.1",
            capabilities=("chat",),
            context_window=1048576,
            max_output_tokens=32768,
        ),
    ),
    (
        "hugging face",
        {
            "data": [
                {
                    "id": "Qwen/Q",
                    "architecture": {"output_modalities": ["text"]},
                    "providers": [{"provider": "novita", "status": "live", "context_length": 32768}],
                }
            ]
        },
        ModelRow(id="Qwen/Q", capabilities=("chat",), context_window=32768),
    ),
    (
        "deepinfra",
        {
            "data": [
                {
                    "id": "meta/L",
                    "metadata": {
                        "context_length": 131072,
                        "pricing": {"input_tokens": 0.1, "output_tokens": 0.28, "cache_read_tokens": 0.05},
                    },
                }
            ]
        },
        ModelRow(
            id="meta/L",
            capabilities=("chat",),
            context_window=131072,
            rates=Rates(100_000, 280_000, cache_read=50_000),
        ),
    ),
    (
        "novita",
        {
            "data": [
                {
                    "id": "x/y",
                    "display_name": "Y",
                    "model_type": "chat",
                    "context_size": 16384,
                    "input_token_price_per_m": 1400,
                    "output_token_price_per_m": 5000,
                }
            ]
        },
        ModelRow(
            id="x/y", display_name="Y", capabilities=("chat",), context_window=16384, rates=Rates(140_000, 500_000)
        ),
    ),
    (
        "fireworks",
        {"data": [{"id": "accounts/fireworks/models/k", "supports_chat": True, "context_length": 262144}]},
        ModelRow(id="accounts/fireworks/models/k", capabilities=("chat",), context_window=262144),
    ),
    (
        "xinference",
        {"data": [{"id": "my-vectors", "model_type": "embedding"}]},
        ModelRow(id="my-vectors", capabilities=("embeddings",)),
    ),
    (
        "elevenlabs",
        [{"model_id": "eleven_v3", "name": "Eleven v3", "can_do_text_to_speech": True}],
        ModelRow(id="eleven_v3", display_name="Eleven v3", capabilities=("audio",)),
    ),
]


@pytest.mark.parametrize(("body", "row"), [case[1:] for case in LISTS], ids=[case[0] for case in LISTS])
def test_a_vendors_list_is_read(body: Any, row: ModelRow) -> None:
    (read,) = read_models(json.dumps(body).encode()).rows
    assert read == row


@pytest.mark.parametrize(
    "item",
    [
        {"id": "m", "endpoints": 5, "task": [], "metadata": "x", "providers": {}, "properties": [1, {"value": 2}]},
        {"id": "m", "metadata": {"pricing": {"input_tokens": "x", "output_tokens": None}}},
        {"id": "m", "input_token_price_per_m": -1, "output_token_price_per_m": 2},
        {"id": "m", "context_size": "many", "model_type": {"a": 1}},
    ],
)
def test_fields_of_another_kind_are_passed_over(item: Any) -> None:
    (read,) = read_models(json.dumps({"data": [item]}).encode()).rows
    assert (read.id, read.rates) == ("m", None)
