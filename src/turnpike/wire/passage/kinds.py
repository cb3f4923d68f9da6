"""The kinds of objects that are made at a provider and have an owner here.

A path below a known API is matched with a kind: the collection it stands in, the object it names, what follows. A
collection that is not in the table is governed by the same rules under its own name, so that what a vendor adds
tomorrow is neither open to everyone nor closed to its maker. Sources: the API references of OpenAI, Anthropic and
Gemini.
"""

import re
from typing import Any

import msgspec

from turnpike.wire.passage.paths import DEFAULT_VERSION, Api
from turnpike.wire.passage.references import ITEMS, values_at

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,47}")


_WORDS = frozenset(
    (
        "content", "results", "cancel", "complete", "parts", "events", "checkpoints", "pause", "resume", "search",
        "files", "file_batches", "messages", "runs", "steps", "submit_tool_outputs", "input_items", "items", "remix",
        "output_items", "versions", "documents", ":download", ":generateContent", ":streamGenerateContent",
        ":batchGenerateContent", ":asyncBatchEmbedContent", ":countTokens", ":embedContent", ":cancel",
    )
)  # fmt: skip
"""What may follow an object, as patterns show it; anything else is a star there."""


class Derived(msgspec.Struct, frozen=True):
    """A field of an object that names another one, which then has the same owner."""

    path: str
    """As in `references.values_at`."""
    kind: str
    of: str | None = None
    """The `object` that it is asked of alone."""


class Kind(msgspec.Struct, frozen=True):
    api: Api
    name: str
    """Within its API: `files`."""
    collection: tuple[str, ...]
    """Segments behind the version."""
    id_field: str = "id"
    list_field: str = "data"
    verbs: frozenset[str] = frozenset()
    """What may follow the collection and is no object's id."""
    derived: tuple[Derived, ...] = ()
    usage_later: bool = False
    """The object shows its usage when it is done, in the answer to a later question."""
    links: tuple[tuple[str, str], ...] = ()
    """Fields that hold an address at the provider, and what follows the object at that address. Clients follow it with
    the key that they have, so it must lead through here."""
    branches: frozenset[str] = frozenset()
    """What may follow an object and makes another one of its kind."""
    scope: str | None = None
    """Asked for besides `passthrough`."""
    keeps: bool = True
    """What a POST of the collection answers is an object that can be asked for again."""
    listed: bool = True
    """A GET of the collection lists it."""
    page_at_most: int = 100
    """The largest page that a list gives."""

    @property
    def full_name(self) -> str:
        return f"{self.api}.{self.name}"


def _openai(name: str, collection: str | None = None, **facts: object) -> Kind:
    parts = tuple((collection or name).split("/"))
    return msgspec.structs.replace(Kind(Api.OPENAI, name, parts), **facts)


def _anthropic(name: str, collection: str, **facts: object) -> Kind:
    return msgspec.structs.replace(Kind(Api.ANTHROPIC, name, tuple(collection.split("/"))), **facts)


def _gemini(collection: str, **facts: object) -> Kind:
    kind = Kind(Api.GEMINI, collection, (collection,), id_field="name", list_field=collection)
    return msgspec.structs.replace(kind, **facts)


_OPENAI_FILE = "openai.files"
KINDS: tuple[Kind, ...] = (
    _openai("files", page_at_most=1000),
    _openai("uploads", listed=False, derived=(Derived("file.id", _OPENAI_FILE),)),
    _openai(
        "batches",
        derived=(Derived("output_file_id", _OPENAI_FILE), Derived("error_file_id", _OPENAI_FILE)),
        usage_later=True,
    ),
    _openai(
        "fine_tuning.jobs", "fine_tuning/jobs",
        derived=(Derived("result_files[]", _OPENAI_FILE), Derived("fine_tuned_model", "openai.models")),
    ),
    _openai("fine_tuning.graders", "fine_tuning/alpha/graders", keeps=False, verbs=frozenset(("run", "validate"))),
    _openai("vector_stores"),
    _openai("assistants"),
    _openai("threads", listed=False, verbs=frozenset(("runs",)), derived=(Derived("thread_id", "openai.threads"),)),
    _openai("responses", listed=False, verbs=frozenset(("compact", "input_tokens")),
        derived=(Derived("output[].container_id", "openai.containers"),
                 # What a compaction gives may repeat ids that the request had made up.
                 Derived("output[].id", f"openai.{ITEMS}", of="response")),),
    _openai("chat.completions", "chat/completions"),
    _openai("conversations", listed=False),
    _openai("videos", branches=frozenset(("remix",))),
    _openai("containers"),
    _openai("evals"),
    _openai("models"),
    _openai("completions", keeps=False, listed=False, scope="inference:text"),
    _anthropic("batches", "messages/batches", usage_later=True, page_at_most=1000, scope="inference:text",
               links=(("results_url", "results"),)),
    _anthropic("files", "files", page_at_most=1000),
    _anthropic("skills", "skills"),
    _anthropic("complete", "complete", keeps=False, scope="inference:text"),
    _gemini("files"),
    _gemini("cachedContents"),
    _gemini("tunedModels"),
    _gemini("batches", list_field="operations"),
    _gemini("fileSearchStores"),
    _gemini("corpora"),
    _gemini("operations"),
    _gemini("models"),
)  # fmt: skip

OPENAI_FILES, OPENAI_BATCHES = (next(kind for kind in KINDS if kind.full_name == name)
                                for name in ("openai.files", "openai.batches"))  # fmt: skip
ANTHROPIC_BATCHES = next(kind for kind in KINDS if kind.full_name == "anthropic.batches")


class Place(msgspec.Struct, frozen=True):
    """What a path means."""

    kind: Kind
    object_id: str | None
    """None: the collection itself, or a verb on it."""
    tail: tuple[str, ...]
    """Segments behind the object, or the verb."""
    pattern: str
    """The path without anything that a caller chose, for the ledger: `/v1/files/{id}/content`."""

    @property
    def is_collection(self) -> bool:
        return self.object_id is None and not self.tail


def place_of(api: Api, segments: tuple[str, ...]) -> Place | None:
    """`segments` stand behind the version. None for a path that is none: the root, or a name that is no word."""
    kind = _known(api, segments) or _unknown(api, segments)
    if kind is None:
        return None
    rest = segments[len(kind.collection) :]
    if not rest:
        return _place(kind, None, ())
    first, action = _split_action(kind, rest[0])
    if rest[0] in kind.verbs:
        return _place(kind, None, rest)
    return _place(kind, first, (*((action,) if action else ()), *rest[1:]))


def _known(api: Api, segments: tuple[str, ...]) -> Kind | None:
    fitting = [kind for kind in KINDS if kind.api is api and segments[: len(kind.collection)] == kind.collection]
    return max(fitting, key=lambda kind: len(kind.collection), default=None)


def _unknown(api: Api, segments: tuple[str, ...]) -> Kind | None:
    if not segments or not _PLAIN.fullmatch(segments[0]):
        return None
    if api is Api.GEMINI:
        return Kind(api, segments[0], segments[:1], id_field="name", list_field=segments[0])
    return Kind(api, segments[0], segments[:1])


def _split_action(kind: Kind, segment: str) -> tuple[str, str]:
    """Gemini's verbs stand behind a colon: `tunedModels/x:generateContent`."""
    if kind.api is not Api.GEMINI:
        return segment, ""
    name, _, action = segment.partition(":")
    return name, f":{action}" if action else ""


def _place(kind: Kind, object_id: str | None, tail: tuple[str, ...]) -> Place:
    known = kind in KINDS
    parts = ["", DEFAULT_VERSION[kind.api], *(kind.collection if known else ("*",))]
    if object_id is not None:
        parts.append("{id}")
    for position, segment in enumerate(tail):
        # Below an object words and ids take turns: files/{file}/content.
        is_word = known and position % 2 == 0 and (segment in kind.verbs or segment in _WORDS)
        parts.append(segment if is_word else "*")
    return Place(kind, object_id, tail, "/".join(parts))


def made_in(kind: Kind, answer: Any) -> list[tuple[str, str]]:
    """Full kind and id of every object that an answer shows to have been made: itself, and those it names."""
    found = [(kind.full_name, name) for name in values_at(answer, kind.id_field)]
    if kind.api is Api.GEMINI:
        # Its names say their kind: `files/abc`, `tunedModels/x/operations/y`; an upload wraps its file.
        names = [*values_at(answer, "name"), *values_at(answer, "file.name")]
        parts = [name.split("/") for name in names]
        found = [(f"{kind.api}.{part[0]}", part[1]) for part in parts if len(part) > 1 and part[0] != "models"]
    return found + derived_in(kind, answer)


def derived_in(kind: Kind, answer: Any) -> list[tuple[str, str]]:
    """Those that an object of this kind names as its own outcome."""
    return [
        (derived.kind, name)
        for derived in kind.derived
        if derived.of is None or values_at(answer, "object") == [derived.of]
        for name in values_at(answer, derived.path)
    ]


def item_id(kind: Kind, item: Any) -> str | None:
    """The id by which paths name an item of a list."""
    for name in values_at(item, kind.id_field):
        parts = name.split("/")
        return parts[1] if kind.api is Api.GEMINI and len(parts) > 1 else name
    return None


LISTED_PATHS: frozenset[str] = frozenset(
    f"/{DEFAULT_VERSION[kind.api]}/{'/'.join(kind.collection)}" for kind in KINDS if kind.listed
)
"""Where a GET lists objects, whatever else is answered at the same path."""
