"""Hugging Face's router to Inference Providers."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

HUGGING_FACE = Vendor(
    name="hugging_face",
    display_name="Hugging Face",
    website="https://huggingface.co",
    reference="https://huggingface.co/docs/inference-providers/tasks/chat-completion",
    base_url="https://router.huggingface.co/v1",
    operations=openai_compatible(embeddings=False, responses="/responses"),
    env_keys=("HF_TOKEN",),
    models_public=True,
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_METADATA,
        )
    ),
)
