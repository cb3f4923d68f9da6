"""Models that are no conversations, at the simulator, each with a price of its own shape."""

from dataclasses import dataclass
from typing import Any

from tests.support.gateway import UPSTREAM_KEY, RunningGateway


@dataclass(frozen=True)
class MediaModel:
    name: str
    model_id: str
    capability: str
    price: dict[str, Any]
    provider: str = "sim-openai"


GPT_IMAGE = MediaModel(
    "gpt-image", "gpt-image-sim", "image",
    {"input": 5, "input_image": 10, "output": 10, "output_image": 40},
)  # fmt: skip
DALL_E = MediaModel(
    "dall-e", "dall-e-3-sim", "image", {"image": {"1024x1024": "0.04", "1792x1024/hd": "0.12", "*/hd": "0.08"}}
)
MODERATION = MediaModel("moderation", "omni-moderation-latest", "moderation", {})
SORA = MediaModel("sora", "sora-2-pro", "video", {"video_second": {"720x1280": "0.30", "*": "0.50"}})
COHERE = MediaModel("rerank-cohere", "rerank-v3.5", "rerank", {"search": "0.002"}, "rank-cohere")
JINA = MediaModel("rerank-jina", "jina-reranker-v2", "rerank", {"input": "0.02"}, "sim-jina")
VOYAGE = MediaModel("rerank-voyage", "rerank-2.5", "rerank", {"input": "0.05"}, "sim-voyage")
TEI = MediaModel("rerank-tei", "bge-reranker", "rerank", {"search": "0.001"}, "sim-tei")
MODELS = (GPT_IMAGE, DALL_E, MODERATION, SORA, COHERE, JINA, VOYAGE, TEI)
RERANKERS = (COHERE, JINA, VOYAGE, TEI)

RERANK_PATHS = {
    "rank-cohere": ("cohere_rerank", "/v2/rerank"),
    "sim-jina": ("jina_rerank", "/v1/rerank"),
    "sim-voyage": ("voyage_rerank", "/voyage/v1/rerank"),
    "sim-tei": ("tei_rerank", "/rerank"),
}


def register_media(gateway: RunningGateway) -> None:
    """Providers for the forms of a rerank, and every model of `MODELS`."""
    for slug, (dialect, path) in RERANK_PATHS.items():
        gateway.api(
            "POST",
            "/ai/providers",
            {
                "vendor": "openai_compatible",
                "name": slug,
                "slug": slug,
                "api_base_url": gateway.simulator.url,
                "shared_api_key": UPSTREAM_KEY,
                "allow_addresses": ["127.0.0.1/32"],
                "config": {"operations": {"rerank": [{"dialect": dialect, "path": path}]}},
            },
        )
    for model in MODELS:
        gateway.api(
            "POST",
            "/ai/models",
            {
                "provider": model.provider,
                "name": model.name,
                "model_id": model.model_id,
                "capabilities": [model.capability],
                "price_override": model.price,
            },
        )
    for model in MODELS:
        gateway.wait_for_model(model.name)
