"""Lists of models as clouds have them: Bedrock's foundation models and inference profiles, Vertex AI's publishers.

Sources: ListFoundationModels and ListInferenceProfiles in the Bedrock API reference; `publishers.models.list` in the
Vertex AI reference (v1beta1).
"""

import re
from typing import Any, cast

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.models.read import MAX_MODELS, ModelList, ModelRow
from turnpike.wire.profiles.capabilities import guess_capabilities

Json = dict[str, Any]

_IMAGEN = re.compile(r"imagen-[\d.]+-.*generate")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def _items(answer: Json, *names: str) -> list[Json]:
    for name in names:
        found = answer.get(name)
        if isinstance(found, list):
            items = cast("list[Any]", found)[:MAX_MODELS]
            return [cast("Json", item) for item in items if isinstance(item, dict)]
    if answer:
        raise UpstreamGarbage("The provider's answer is not a list of models.")
    return []  # Google leaves out what is empty


def _text(item: Json, name: str) -> str | None:
    value = item.get(name)
    return value if isinstance(value, str) and value else None


def read_bedrock(body: bytes) -> ModelList:
    """Models that answer in text, and can be called by this name: on demand, or by an inference profile. Raises
    UpstreamGarbage."""
    answer = decode_answer(_decode, body, "a list of models")
    rows: list[ModelRow] = []
    for item in _items(answer, "modelSummaries", "inferenceProfileSummaries"):
        name = _text(item, "modelId") or _text(item, "inferenceProfileId")
        if name is None or not _is_callable(item):
            continue
        capabilities = guess_capabilities(name)
        if "chat" in capabilities:
            shown = _text(item, "modelName") or _text(item, "inferenceProfileName")
            rows.append(
                ModelRow(id=name, display_name=shown, owned_by=_text(item, "providerName"), capabilities=capabilities)
            )
    return ModelList(tuple(rows), _text(answer, "nextToken"))


def _is_callable(item: Json) -> bool:
    outputs = item.get("outputModalities")
    kinds = item.get("inferenceTypesSupported")
    lifecycle = item.get("modelLifecycle")
    if isinstance(outputs, list) and "TEXT" not in outputs:
        return False
    if isinstance(kinds, list) and "ON_DEMAND" not in kinds:
        return False
    if isinstance(lifecycle, dict) and cast("Json", lifecycle).get("status") == "LEGACY":
        return False
    return item.get("status", "ACTIVE") == "ACTIVE"


def read_vertex(body: bytes) -> ModelList:
    """Gemini's, Claude's, and those of Imagen's that make images of a prompt. Raises UpstreamGarbage."""
    answer = decode_answer(_decode, body, "a list of models")
    rows: list[ModelRow] = []
    for item in _items(answer, "publisherModels"):
        name = _text(item, "name")
        if name is None:
            continue
        publisher, _, model = name.removeprefix("publishers/").partition("/models/")
        paints = publisher == "google" and _IMAGEN.match(model) is not None
        if publisher not in ("google", "anthropic") or not (paints or model.startswith(("gemini-", "claude-"))):
            continue  # tuned weights and media models, which no path of ours reaches
        capabilities = guess_capabilities(model)
        if paints or "chat" in capabilities:
            rows.append(ModelRow(id=model, owned_by=publisher, capabilities=capabilities))
    return ModelList(tuple(rows), _text(answer, "nextPageToken"))
