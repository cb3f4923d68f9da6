"""The dialects that Turnpike speaks, by name. To add one: a folder beside these, an object that fills
`turnpike.wire.dialect.Dialect`, and its line here."""

from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects.anthropic_count_tokens import ANTHROPIC_COUNT_TOKENS
from turnpike.wire.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from turnpike.wire.dialects.openai_chat import OPENAI_CHAT
from turnpike.wire.dialects.openai_embeddings import OPENAI_EMBEDDINGS
from turnpike.wire.dialects.openai_input_tokens import OPENAI_INPUT_TOKENS
from turnpike.wire.dialects.openai_responses import OPENAI_RESPONSES

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        OPENAI_CHAT,
        OPENAI_RESPONSES,
        ANTHROPIC_MESSAGES,
        OPENAI_INPUT_TOKENS,
        ANTHROPIC_COUNT_TOKENS,
        OPENAI_EMBEDDINGS,
    )
}
