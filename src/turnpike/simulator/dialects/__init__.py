"""The APIs that the simulator speaks. A further dialect or operation is one file here and one line below."""

from turnpike.simulator.dialects import (
    anthropic_messages,
    cohere_chat,
    cohere_embeddings,
    models,
    openai_chat,
    openai_embeddings,
)
from turnpike.simulator.exchange import Operation

OPERATIONS: tuple[Operation, ...] = (
    *openai_chat.OPERATIONS,
    *anthropic_messages.OPERATIONS,
    *openai_embeddings.OPERATIONS,
    *cohere_chat.OPERATIONS,
    *cohere_embeddings.OPERATIONS,
    *models.OPERATIONS,
)
