"""The APIs that the simulator speaks. A further dialect or operation is one file here and one line below."""

from turnpike.simulator.dialects import anthropic_messages, models, openai_chat, openai_embeddings, openai_responses
from turnpike.simulator.exchange import Operation

OPERATIONS: tuple[Operation, ...] = (
    *openai_chat.OPERATIONS,
    *openai_responses.OPERATIONS,
    *anthropic_messages.OPERATIONS,
    *openai_embeddings.OPERATIONS,
    *models.OPERATIONS,
)
