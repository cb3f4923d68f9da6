"""The APIs that the simulator speaks. A further dialect or operation is one file here and one line below."""

from turnpike.simulator.dialects import (
    anthropic_messages,
    azure,
    bedrock,
    cohere_chat,
    cohere_embeddings,
    elevenlabs,
    gemini_content,
    google,
    models,
    openai_audio,
    openai_chat,
    openai_embeddings,
    openai_image_edits,
    openai_images,
    openai_moderations,
    openai_responses,
    openai_videos,
    rerank,
)
from turnpike.simulator.exchange import Operation

OPERATIONS: tuple[Operation, ...] = (
    *openai_chat.OPERATIONS,
    *openai_responses.OPERATIONS,
    *anthropic_messages.OPERATIONS,
    *openai_embeddings.OPERATIONS,
    *openai_audio.OPERATIONS,
    *elevenlabs.OPERATIONS,
    *openai_image_edits.OPERATIONS,
    *openai_images.OPERATIONS,
    *openai_moderations.OPERATIONS,
    *openai_videos.OPERATIONS,
    *rerank.OPERATIONS,
    *gemini_content.OPERATIONS,
    *cohere_chat.OPERATIONS,
    *cohere_embeddings.OPERATIONS,
    *models.OPERATIONS,
    *bedrock.OPERATIONS,
    *google.OPERATIONS,
    *azure.OPERATIONS,
)
