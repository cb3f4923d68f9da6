"""Lists of models: those that Turnpike answers, in OpenAI's, Anthropic's and Gemini's form, and those that providers
answer."""

from turnpike.wire.dialects.models.clouds import read_bedrock, read_vertex
from turnpike.wire.dialects.models.read import ModelList, ModelRow, read_models
from turnpike.wire.dialects.models.write import (
    ModelEntry,
    Page,
    read_page,
    write_anthropic_list,
    write_anthropic_model,
    write_openai_list,
    write_openai_model,
)
from turnpike.wire.dialects.models.write_gemini import (
    GeminiPage,
    read_gemini_page,
    write_gemini_list,
    write_gemini_model,
)

__all__ = [
    "GeminiPage",
    "ModelEntry",
    "ModelList",
    "ModelRow",
    "Page",
    "read_bedrock",
    "read_gemini_page",
    "read_models",
    "read_page",
    "read_vertex",
    "write_anthropic_list",
    "write_anthropic_model",
    "write_gemini_list",
    "write_gemini_model",
    "write_openai_list",
    "write_openai_model",
]
