"""Lists of models: those that Turnpike answers, in OpenAI's and Anthropic's form, and those that providers answer."""

from turnpike.wire.dialects.models.clouds import read_list
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

__all__ = [
    "ModelEntry",
    "ModelList",
    "ModelRow",
    "Page",
    "read_list",
    "read_models",
    "read_page",
    "write_anthropic_list",
    "write_anthropic_model",
    "write_openai_list",
    "write_openai_model",
]
