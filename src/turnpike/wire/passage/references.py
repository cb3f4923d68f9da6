"""Where bodies name objects that somebody owns, and where they name models.

Fields are found by their names anywhere in a body, but for the places where people write what they like: closed by
default, so that a form that a vendor adds tomorrow cannot smuggle in another person's file.
"""

import re
from collections.abc import Iterator
from typing import Any, cast

from turnpike.errors import InvalidRequest
from turnpike.wire.passage.paths import Api

_FREE = frozenset(("metadata", "properties", "parameters", "input_schema", "schema", "arguments", "item_schema"))
"""Below these nothing means anything to the provider's storage."""
_DEEPEST = 64

FIELDS: dict[Api, dict[str, str]] = {
    Api.OPENAI: {
        "file_id": "files",
        "file_ids": "files",
        "input_file_id": "files",
        "training_file": "files",
        "validation_file": "files",
        "image_file_id": "files",
        "vector_store_id": "vector_stores",
        "vector_store_ids": "vector_stores",
        "assistant_id": "assistants",
        "thread_id": "threads",
        "previous_response_id": "responses",
        "response_id": "responses",
        "conversation": "conversations",
        "conversation_id": "conversations",
        "container": "containers",
        "container_id": "containers",
        "eval_id": "evals",
        "video_id": "videos",
    },
    Api.ANTHROPIC: {"file_id": "files", "file_ids": "files", "skill_id": "skills"},
    Api.GEMINI: {
        "fileUri": "files", "file_uri": "files", "fileName": "files", "file_name": "files",
        "cachedContent": "cachedContents", "cached_content": "cachedContents",
        "fileSearchStoreNames": "fileSearchStores", "file_search_store_names": "fileSearchStores",
    },
}  # fmt: skip
"""Name of a field to the kind that it names, within its API."""
_LOWERED = {api: {name.lower(): kind for name, kind in fields.items()} for api, fields in FIELDS.items()}
"""Some servers read names without regard to letter case."""
ITEMS = "responses.items"
"""What responses consist of. A later request may name one by its id, where it stands for what its provider keeps."""
_ITEM = re.compile(r"(?:input|items)\[\d+\]\.id", re.IGNORECASE)
"""Where an item's id stands."""
_KEPT_IN: dict[Any, tuple[str, ...]] = {
    None: ("content",),
    "reasoning": ("encrypted_content", "content"),
    "image_generation_call": ("result",),
}
"""By type, items that OpenAI looks up by their id where they hold none of these; the others say themselves all that
they stand for."""
_PROVIDERS_OWN = {"skill_id": ("anthropic", "type")}
"""A skill that the vendor itself made belongs to everyone: `{"type": "anthropic", "skill_id": "pptx"}`."""

MODEL_FIELDS = ("model", "evaluator_model")
PURPOSE = "purpose"
"""What an uploaded file is for; lines of a batch are judged by it."""


class Reference:
    """One object that a body names."""

    __slots__ = ("by_the_way", "field", "kind", "object_id")

    def __init__(self, kind: str, object_id: str, field: str, *, by_the_way: bool = False) -> None:
        self.kind = kind
        """Full name: `openai.files`."""
        self.object_id = object_id
        self.field = field
        """Where it stands: `input[0].content[1].file_id`."""
        self.by_the_way = by_the_way
        """Of something that says more than its id: to a provider of another API the id means nothing."""


def plain_fields(api: Api) -> frozenset[str]:
    """Names, in lower case, that a form has as plain fields only: what they say decides who may send it where."""
    return frozenset((*_LOWERED[api], *MODEL_FIELDS, PURPOSE))


def references_in(api: Api, body: Any) -> list[Reference]:
    """Every object that a decoded JSON body names, in its order. Raises InvalidRequest for one nested too deeply."""
    names = _LOWERED[api]
    found: list[Reference] = []
    for holder, name, value, path in _members(body):
        if api is Api.OPENAI and name.lower() == "id" and isinstance(value, str) and value:
            found.extend(_item(holder, value, path))
        kind = names.get(name.lower())
        if kind is None or _is_providers_own(holder, name):
            continue
        found.extend(
            Reference(f"{api}.{kind}", _plain(kind, each), path)
            for each in _ids(value)
            if not _is_elsewhere(kind, each)
        )
    return found


def _item(holder: dict[str, Any], identifier: str, path: str) -> list[Reference]:
    """The item of a response that is named here, if one is."""
    fields = {name.lower(): value for name, value in holder.items()}
    kind = fields.get("type")
    if kind == "item_reference":
        return [Reference(f"{Api.OPENAI}.{ITEMS}", identifier, path)]
    if not _ITEM.fullmatch(path[path.rfind(".", 0, -3) + 1 :]) or not (kind is None or isinstance(kind, str)):
        return []
    if kind not in _KEPT_IN or any(fields.get(name) for name in _KEPT_IN[kind]):
        return []
    return [Reference(f"{Api.OPENAI}.{ITEMS}", identifier, path, by_the_way=kind is not None)]


def _is_providers_own(holder: dict[str, Any], name: str) -> bool:
    mark = _PROVIDERS_OWN.get(name)
    return mark is not None and holder.get(mark[1]) == mark[0]


def _ids(value: Any) -> Iterator[str]:
    """An id, several, or objects that carry one (`conversation: {"id": ...}`). A container that is to be made
    (`{"type": "auto"}`) names none."""
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            if isinstance(each, str) and each:
                yield each
    elif isinstance(value, dict):
        identifier = cast("dict[str, Any]", value).get("id")
        if isinstance(identifier, str) and identifier:
            yield identifier


def _is_elsewhere(kind: str, identifier: str) -> bool:
    """An address that is no object's: Gemini reads a picture from anywhere on the web. An object's has its kind behind
    the API's version: `https://.../v1beta/files/abc`."""
    return "://" in identifier and re.search(rf"/v1[a-z0-9]*/{kind}/", identifier, re.IGNORECASE) is None


def _plain(kind: str, identifier: str) -> str:
    """Gemini names a file by its address or as `files/abc`."""
    mark = f"{kind}/"
    return identifier.rpartition(mark)[2] if mark in identifier else identifier


def models_in(body: Any) -> list[tuple[dict[str, Any], str, str]]:
    """Every model that a body names: the object that holds its name, the field, its place. Raises InvalidRequest."""
    found: list[tuple[dict[str, Any], str, str]] = []
    for holder, name, value, path in _members(body):
        if name.lower() not in MODEL_FIELDS:
            continue
        if isinstance(value, str):
            found.append((holder, name, path))
        elif isinstance(value, dict) and isinstance(cast("dict[str, Any]", value).get("id"), str):
            found.append((cast("dict[str, Any]", value), "id", f"{path}.id"))
    return found


def _members(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[dict[str, Any], str, Any, str]]:
    """Holder, name, value and place of every member of every object that is not below a free one."""
    if depth > _DEEPEST:
        raise InvalidRequest(f"The body is nested more than {_DEEPEST} levels deep.")
    if isinstance(value, list):
        for position, each in enumerate(cast("list[Any]", value)):
            if isinstance(each, dict | list):
                yield from _members(each, f"{path}[{position}]", depth + 1)
    elif isinstance(value, dict):
        holder = cast("dict[str, Any]", value)
        free_input = holder.get("type") == "tool_use"
        for name, each in holder.items():
            place = f"{path}.{name}" if path else name
            yield holder, name, each, place
            if isinstance(each, dict | list) and name not in _FREE and not (free_input and name == "input"):
                yield from _members(each, place, depth + 1)


def values_at(body: Any, path: str) -> list[str]:
    """Texts at a dotted path, where `[]` stands for every item: `result_files[]`, `file.id`."""
    found = [body]
    for step in path.split("."):
        name = step.removesuffix("[]")
        found = [cast("dict[str, Any]", each).get(name) for each in found if isinstance(each, dict)]
        if step.endswith("[]"):
            found = [item for each in found if isinstance(each, list) for item in cast("list[Any]", each)]
    return [each for each in found if isinstance(each, str) and each]
