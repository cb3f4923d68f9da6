"""Every shape of price, on an example: what the vendor's published rule makes of it, worked out by hand.

`page` are the figures of the vendor's page in US dollars, `sum` is the rule applied to them, term by term. Where the
price list (or our own table) has the model, its price must come to the same sum.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from turnpike.control.domains.catalog.price_schemas import PriceOverride
from turnpike.control.domains.catalog.prices import compile_listed, compile_override
from turnpike.wire.prices import Rates, compile_cost, cost_bound_nanousd, cost_nanousd
from turnpike.wire.types.usage import MediaUsage, Usage

M = 1_000_000


@dataclass(frozen=True)
class Example:
    shape: str
    source: str
    read: str
    """When the page said so."""
    page: dict[str, Any]
    usage: Usage
    sum: Decimal
    listed: tuple[str, str] | None = None
    """Provider and model of the price list that must agree, as of `at`."""
    at: datetime = field(default=datetime(2026, 11, 21, tzinfo=UTC))


def usd(*terms: tuple[str, int | str]) -> Decimal:
    """Units times a price for one unit, or for a million (`3/M`)."""
    total = Decimal(0)
    for price, units in terms:
        value, _, per = price.partition("/")
        total += Decimal(value) * Decimal(units) / (M if per == "M" else 1)
    return total


ANTHROPIC = "https://platform.claude.com/docs/en/about-claude/pricing"
CLAUDE_CACHE = "https://platform.claude.com/docs/en/build-with-claude/prompt-caching"
CLAUDE_BATCH = "https://platform.claude.com/docs/en/build-with-claude/batch-processing"
OPENAI = "https://developers.openai.com/api/docs/pricing"
OPENAI_OLD = "https://platform.openai.com/docs/pricing"
GEMINI = "https://ai.google.dev/gemini-api/docs/pricing"
SONNET = {"input": "3", "output": "15", "cache_read": "0.30", "cache_write": "3.75", "cache_write_1h": "6"}
GPT_4O_AUDIO = {"input": "2.5", "output": "10", "input_audio": "40", "output_audio": "80"}
DALL_E_3 = {
    "image": {
        "1024x1024/standard": "0.04", "1024x1792/standard": "0.08", "1792x1024/standard": "0.08",
        "1024x1024/hd": "0.08", "1024x1792/hd": "0.12", "1792x1024/hd": "0.12",
    }
}  # fmt: skip
GPT_IMAGE_1 = {"input": "5", "input_image": "10", "output": "40", "output_image": "40"}

EXAMPLES = (
    # Anthropic: writes cost 1.25 or 2 times fresh input by their life, reads a tenth of it.
    Example(
        "cached reads and writes, Anthropic", CLAUDE_CACHE, "2026-08", SONNET,
        Usage(10_000 + 50_000 + 2_000 + 1_000, 500, 50_000, 2_000, 1_000),
        usd(("3/M", 10_000), ("0.30/M", 50_000), ("3.75/M", 2_000), ("6/M", 1_000), ("15/M", 500)),
        ("anthropic", "claude-sonnet-4-5"),
    ),
    # OpenAI: cached input is part of the input and has a price of its own; writing to the cache is free.
    Example(
        "cached reads, OpenAI", OPENAI, "2026-08", {"input": "2.5", "output": "10", "cache_read": "1.25"},
        Usage(10_000, 1_000, 8_000),
        usd(("2.5/M", 2_000), ("1.25/M", 8_000), ("10/M", 1_000)),
        ("openai", "gpt-4o"),
    ),
    # Beyond 200,000 tokens of prompt, the whole request is at the second price.
    *(
        Example(
            f"tiers by context size, Gemini 2.5 Pro, {size} tokens", GEMINI, "2025-10",
            {"input": "1.25", "output": "10", "tiers": [{"above": 200_000, "input": "2.5", "output": "15"}]},
            Usage(size, 1_000), usd((f"{read}/M", size), (f"{written}/M", 1_000)),
            ("google", "gemini-2.5-pro"),
        )
        for size, read, written in ((200_000, "1.25", "10"), (200_001, "2.5", "15"))
    ),
    *(
        Example(
            f"tiers by context size, Claude Sonnet 4.5, {size} tokens", ANTHROPIC, "2025-10",
            {**SONNET, "tiers": [{"above": 200_000, "input": "6", "output": "22.50", "cache_read": "0.60"}]},
            Usage(size, 100, 1_000),
            usd((f"{read}/M", size - 1_000), (f"{cached}/M", 1_000), (f"{written}/M", 100)),
        )
        for size, read, cached, written in ((200_000, "3", "0.30", "15"), (300_000, "6", "0.60", "22.5"))
    ),
    # Audio tokens are parts of input and output, and cost many times what text does.
    Example(
        "audio tokens, gpt-4o-audio-preview", OPENAI_OLD, "2025-10", GPT_4O_AUDIO,
        Usage(1_000, 600, input_audio_tokens=700, output_audio_tokens=500),
        usd(("2.5/M", 300), ("40/M", 700), ("10/M", 100), ("80/M", 500)),
    ),
    Example(
        "audio tokens with cached audio, gpt-realtime", OPENAI_OLD, "2025-10",
        {"input": "4", "output": "16", "cache_read": "0.40", "input_audio": "32", "output_audio": "64",
         "cache_read_audio": "0.40"},
        Usage(2_000, 300, 1_500, input_audio_tokens=1_200, output_audio_tokens=200, cache_read_audio_tokens=1_000),
        # 800 of text, 500 of them cached; 1,200 of audio, 1,000 of them cached
        usd(("4/M", 300), ("0.40/M", 500), ("32/M", 200), ("0.40/M", 1_000), ("16/M", 100), ("64/M", 200)),
    ),
    # DALL-E 3: by the image, by size and quality.
    *(
        Example(
            f"images by size and quality, dall-e-3, {kind}", OPENAI_OLD, "2025-10", DALL_E_3,
            Usage(media=MediaUsage(images=2, image_class=kind)), usd((price, 2)), ("openai", "dall-e-3"),
        )
        for kind, price in (("1024x1024/standard", "0.04"), ("1024x1792/standard", "0.08"), ("1792x1024/hd", "0.12"))
    ),
    # GPT Image: tokens of text and of images in, tokens of images out: 1024x1024 at high quality is 4,160 of them.
    Example(
        "image tokens, gpt-image-1", "https://platform.openai.com/docs/guides/image-generation", "2025-10",
        GPT_IMAGE_1,
        Usage(50 + 323, 4_160, media=MediaUsage(1, "1024x1024/high", 323, 4_160)),
        usd(("5/M", 50), ("10/M", 323), ("40/M", 4_160)), ("openai", "gpt-image-1"),
    ),
    # $0.006 a minute, by the second.
    Example(
        "seconds of sound, whisper-1", "https://developers.openai.com/api/docs/models/whisper-1", "2026-08",
        {"input_audio_hour": "0.36"}, Usage(media=MediaUsage(input_audio_ms=90_000)), usd(("0.0001", 90)),
        ("openai", "whisper-1"),
    ),
    Example(
        "hours of sound, whisper-large-v3 at Groq", "https://groq.com/pricing", "2025-10",
        {"input_audio_hour": "0.111"}, Usage(media=MediaUsage(input_audio_ms=1_800_000)), usd(("0.0555", 1)),
        ("groq", "whisper-large-v3"),
    ),
    Example(
        "seconds of video by size, sora-2-pro", "https://developers.openai.com/api/docs/models/sora-2-pro", "2026-08",
        {"video_second": {"720x1280": "0.30", "1280x720": "0.30", "1024x1792": "0.50", "1792x1024": "0.50"}},
        Usage(media=MediaUsage(video_ms=12_000, image_class="1792x1024")), usd(("0.50", 12)),
        ("openai", "sora-2-pro"),
    ),
    Example(
        "characters, tts-1", "https://developers.openai.com/api/docs/models/tts-1", "2026-08", {"character": "15"},
        Usage(media=MediaUsage(characters=4_096)), usd(("15/M", 4_096)), ("openai", "tts-1"),
    ),
    # $2.00 for a thousand searches; a search is a query with up to 100 documents.
    Example(
        "rerank by the search, rerank-v3.5", "https://cohere.com/pricing", "2026-06", {"search": "0.002"},
        Usage(media=MediaUsage(searches=3)), usd(("0.002", 3)), ("cohere", "rerank-v3.5"),
    ),
    Example(
        "web searches beside tokens", ANTHROPIC, "2026-08", {**SONNET, "web_search": "0.01"},
        Usage(1_000, 100, web_searches=2), usd(("3/M", 1_000), ("15/M", 100), ("0.01", 2)),
    ),
    Example(
        "file searches and containers, OpenAI's tools", OPENAI, "2026-08",
        {"input": "2", "output": "8", "file_search": "0.0025", "code_execution": "0.03"},
        Usage(1_000, 100, media=MediaUsage(file_searches=4, code_executions=1)),
        usd(("2/M", 1_000), ("8/M", 100), ("0.0025", 4), ("0.03", 1)),
    ),
    # Batches are half price; a tool's fee is not.
    Example(
        "batch discount, Anthropic", CLAUDE_BATCH, "2026-08",
        {**SONNET, "services": [{"name": "batch", "percent": 50}]},
        Usage(10_000, 1_000, 4_000, media=MediaUsage(service_tier="batch")),
        usd(("1.50/M", 6_000), ("0.15/M", 4_000), ("7.50/M", 1_000)), ("anthropic", "claude-sonnet-4-5"),
    ),
    Example(
        "batch discount, OpenAI", "https://developers.openai.com/api/docs/guides/batch", "2026-08",
        {"input": "2.5", "output": "10", "services": [{"name": "batch", "percent": 50}], "web_search": "0.01"},
        Usage(10_000, 1_000, web_searches=1, media=MediaUsage(service_tier="batch")),
        usd(("1.25/M", 10_000), ("5/M", 1_000), ("0.01", 1)), ("openai", "gpt-4o"),
    ),
    Example(
        "flex, OpenAI", "https://developers.openai.com/api/docs/guides/flex-processing", "2026-08",
        {"input": "1.25", "output": "10", "services": [{"name": "flex", "percent": 50}]},
        Usage(10_000, 1_000, media=MediaUsage(service_tier="flex")),
        usd(("0.625/M", 10_000), ("5/M", 1_000)), ("openai", "gpt-5"),
    ),
    # Priority has prices of its own.
    Example(
        "priority, OpenAI", "https://openai.com/api-priority-processing/", "2026-08",
        {"input": "1.25", "output": "10", "services": [
            {"name": "priority", "input": "2.50", "cache_read": "0.25", "output": "20"}]},
        Usage(10_000, 1_000, 4_000, media=MediaUsage(service_tier="priority")),
        usd(("2.50/M", 6_000), ("0.25/M", 4_000), ("20/M", 1_000)), ("openai", "gpt-5"),
    ),
)  # fmt: skip
EVERY = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.shape)


def cost_usd(usage: Usage, rates: Rates) -> Decimal:
    return Decimal(cost_nanousd(usage, rates)) / 10**9


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("1e-9"))


@EVERY
def test_the_vendors_rule_and_ours_come_to_the_same_sum(example: Example) -> None:
    rates = compile_override(PriceOverride.model_validate(example.page)).rates
    assert rates is not None
    assert cost_usd(example.usage, rates) == rounded(example.sum)
    assert compile_cost(rates)(example.usage) == cost_nanousd(example.usage, rates)


LISTED = [example for example in EXAMPLES if example.listed is not None]


@pytest.mark.parametrize("example", LISTED, ids=lambda example: example.shape)
def test_the_price_that_a_model_gets_by_itself_comes_to_the_same_sum(example: Example) -> None:
    assert example.listed is not None
    provider, model = example.listed
    rates = compile_listed(provider, "", model, example.at).rates
    assert rates is not None
    assert cost_usd(example.usage, rates) == rounded(example.sum)


@EVERY
def test_the_bound_of_a_call_is_no_less_than_its_cost(example: Example) -> None:
    rates = compile_override(PriceOverride.model_validate(example.page)).rates
    assert rates is not None
    usage = example.usage
    bound = cost_bound_nanousd(usage.input_tokens, usage.output_tokens, rates, media=usage.media)
    searches = usage.web_searches * rates.web_search // 1000
    assert cost_nanousd(usage, rates) <= bound + searches


def test_every_example_names_its_page_and_when_it_said_so() -> None:
    for example in EXAMPLES:
        assert example.source.startswith("https://")
        assert datetime.strptime(example.read, "%Y-%m").replace(tzinfo=UTC).year >= 2025
