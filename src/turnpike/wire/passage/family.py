"""Which of the APIs a provider speaks, and at which path below its base address: read from its operations.

A provider that answers OpenAI's chat at `/chat/completions` has OpenAI's other paths beside it, and so for the others;
so a provider that an administrator describes by hand needs no further word.
"""

from collections.abc import Mapping, Sequence

from turnpike.wire.passage.paths import Api
from turnpike.wire.vendor import OperationSpec

_MARKS: tuple[tuple[str, Api, str], ...] = (
    ("openai_chat", Api.OPENAI, "/chat/completions"),
    ("openai_responses", Api.OPENAI, "/responses"),
    ("openai_embeddings", Api.OPENAI, "/embeddings"),
    ("anthropic_messages", Api.ANTHROPIC, "/messages"),
    ("gemini", Api.GEMINI, "/models/{model}:generateContent"),
)
"""Dialect, its API, and the path at which the API has it behind its version; the most telling first."""


def roots_of(operations: Mapping[str, Sequence[OperationSpec]]) -> dict[Api, str]:
    """For each API that these operations belong to, what stands between the base address and the API's own paths."""
    roots: dict[Api, str] = {}
    specs = [spec for each in operations.values() for spec in each]
    for dialect, api, ending in _MARKS:
        for spec in specs:
            path = spec.path.partition("?")[0].replace("{model:path}", "{model}")
            if spec.dialect == dialect and path.endswith(ending):
                roots.setdefault(api, path.removesuffix(ending))
    return roots
