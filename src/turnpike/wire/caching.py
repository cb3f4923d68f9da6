"""Which requests may be answered with an answer that was given before, and when two of them ask for the same.

Facts about wire formats, no policy: a dialect's fields that change nothing in an answer, and what in a request makes
its answer good for that one call only - it is stored at the provider, rests on something stored there, or on tools
that the provider runs itself. Functions that the caller runs are part of the request like any other field: an answer
that asks for one has done nothing yet.
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects.common.body import BODY_ERRORS
from turnpike.wire.operations import Operation
from turnpike.wire.types.conversation import Message, Refusal, Request, Response, ServerItem, StopReason, TextPart

Json = dict[str, Any]

CACHEABLE: frozenset[Operation] = frozenset(
    (Operation.CHAT, Operation.EMBEDDINGS, Operation.RERANK, Operation.MODERATION)
)
"""Operations that answer a question. Images, speech and video are wanted anew; jobs and uploads do something."""

ONE_API_HEADERS = (b"anthropic-", b"openai-")
"""Headers of callers that change what is answered (beta features, an organisation)."""


class Facts(msgspec.Struct, frozen=True):
    """Of one dialect's requests. Field names at the top level of the body."""

    ignored: frozenset[str] = frozenset()
    """They change the form of an answer, or are for the provider's books: who asked, a key for its own caches."""
    unfit: frozenset[str] = frozenset()
    """With a value other than null, false or an empty list: never from a cache, never into one."""
    must_say: Mapping[str, object] = {}
    """Where leaving it out means something else: `store` of the Responses API is on unless it is false."""
    many: tuple[tuple[str, ...], ...] = ()
    """Paths of the number of answers wanted: several choices are not kept."""
    tools: tuple[str, ...] = ("tools",)
    """Where tools stand."""
    run_by_caller: frozenset[str] = frozenset(("function", "custom", "tool"))
    """Types of tools that the caller runs; a tool without a type is one of them."""
    tool_members: frozenset[str] = frozenset()
    """Where tools have no type: the members that those have which the caller runs."""


_OPENAI_BOOKS = ("user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")
_BY_REFERENCE = (b'"file_id":', b'"fileUri":', b'"file_uri":', b'"s3Location":', b'"item_reference"')
"""Something kept at the provider, in the re-encoded body: what stands in a text has backslashes before its quotes."""

FACTS: dict[str, Facts] = {
    "openai_chat": Facts(
        ignored=frozenset(("model", "stream", "stream_options", "store", *_OPENAI_BOOKS)),
        unfit=frozenset(("store", "audio", "web_search_options", "background")),
        many=(("n",),),
    ),
    "openai_responses": Facts(
        ignored=frozenset(("model", "stream", "stream_options", *_OPENAI_BOOKS)),
        unfit=frozenset(("previous_response_id", "conversation", "background", "prompt")),
        must_say={"store": False},
    ),
    "anthropic_messages": Facts(
        ignored=frozenset(("model", "stream", "metadata")),
        unfit=frozenset(("container", "mcp_servers")),
        run_by_caller=frozenset(("custom",)),
    ),
    "gemini": Facts(
        ignored=frozenset(("model", "labels")),
        unfit=frozenset(("cachedContent", "cached_content", "store")),
        many=(
            ("generationConfig", "candidateCount"),
            ("generation_config", "candidate_count"),
            ("generationConfig", "candidate_count"),
            ("generation_config", "candidateCount"),
        ),
        tool_members=frozenset(("functionDeclarations", "function_declarations")),
    ),
    "cohere_chat": Facts(ignored=frozenset(("model", "stream")), unfit=frozenset(("connectors",))),
    "bedrock_converse": Facts(
        ignored=frozenset(("requestMetadata",)),
        unfit=frozenset(("promptVariables", "guardrailConfig")),
        tools=("toolConfig", "tools"),
        tool_members=frozenset(("toolSpec", "cachePoint")),
    ),
    "openai_embeddings": Facts(ignored=frozenset(("model", "user"))),
    "cohere_embeddings": Facts(ignored=frozenset(("model",))),
    "gemini_embeddings": Facts(),
    "gemini_embedding": Facts(ignored=frozenset(("model",))),
    "openai_moderations": Facts(ignored=frozenset(("model",))),
    "cohere_rerank": Facts(ignored=frozenset(("model",))),
    "jina_rerank": Facts(ignored=frozenset(("model", "user"))),
}

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="sorted").encode
_FINISHED = frozenset((StopReason.END, StopReason.STOP_SEQUENCE, StopReason.TOOL_CALLS))


def canonical_body(facts: Facts, body: bytes) -> bytes | None:
    """What a request asks, the same bytes for the same question: members sorted, spelling and spaces as ours, without
    what changes nothing. None: its answer is good for this one call only, or the body is no JSON object."""
    try:
        root = _decode(body)
    except BODY_ERRORS:
        return None
    if not isinstance(root, dict):
        return None
    members = cast("Json", root)
    if not _is_fit(facts, members):
        return None
    for name in facts.ignored:
        members.pop(name, None)
    text = _encode(members)
    return None if any(needle in text for needle in _BY_REFERENCE) else text


def _is_fit(facts: Facts, members: Json) -> bool:
    if any(members.get(name) not in (None, False, []) for name in facts.unfit):
        return False
    if any(members.get(name, ...) is not wanted for name, wanted in facts.must_say.items()):
        return False
    if any(_at(members, path) not in (None, 1) for path in facts.many):
        return False
    tools = _at(members, facts.tools)
    if tools is None:
        return True
    return isinstance(tools, list) and all(_caller_runs(facts, tool) for tool in cast("list[Any]", tools))


def _caller_runs(facts: Facts, tool: Any) -> bool:
    if not isinstance(tool, dict):
        return False
    members = cast("Json", tool)
    if facts.tool_members:
        return facts.tool_members.issuperset(members)
    kind = members.get("type")
    return kind is None or (isinstance(kind, str) and kind in facts.run_by_caller)


def _at(members: Json, path: tuple[str, ...]) -> Any:
    place: Any = members
    for name in path:
        if not isinstance(place, dict):
            return None
        place = cast("Json", place).get(name)
    return place


# ---- answers


def is_whole(dialect: Dialect, body: bytes) -> bool:
    """Whether a whole answer in the caller's dialect was ended by the model itself, and not by a limit, a filter, an
    error, or a turn of the provider's own tools."""
    if dialect.operation is not Operation.CHAT:
        return True
    try:
        response = dialect.read_response(body)
    except TurnpikeError:
        return False
    return isinstance(response, Response) and is_finished(response)


def is_finished(response: Response) -> bool:
    if response.stop_reason not in _FINISHED or not response.parts:
        return False
    return not any(isinstance(part, Refusal | ServerItem) for part in response.parts)


# ---- near questions


class Question(msgspec.Struct, frozen=True):
    """A request as what is asked last and what it is asked in."""

    text: str
    """Of the last message, the user's."""
    context: bytes
    """Everything else: parameters, instructions, the conversation so far. The same bytes for the same."""


def question_of(dialect: Dialect, body: bytes, *, longest: int) -> Question | None:
    """None where near is not near enough: tools, media, an answer that must have a form, a text over `longest`
    characters, or a last message that is not the user's plain text."""
    try:
        request = dialect.read_request(body)
    except TurnpikeError:
        return None
    if not isinstance(request, Request) or not request.messages or _is_strict(request):
        return None
    *before, last = request.messages
    if not all(_is_text(message) for message in request.messages) or last.role != "user":
        return None
    text = "\n".join(part.text for part in last.parts if isinstance(part, TextPart))
    if not text.strip() or len(text) > longest:
        return None
    context = msgspec.structs.replace(
        request,
        model="",
        messages=(*before, Message("user", (), last.name)),
        stream=False,
        user=None,
        metadata=None,
        prompt_cache_key=None,
        store=None,
    )
    return Question(text, _encode(context))


def _is_strict(request: Request) -> bool:
    form = request.response_format
    return bool(
        request.tools
        or request.server_tools
        or request.audio is not None
        or (form is not None and form.kind != "text")
        or any(each != "text" for each in request.modalities)
    )


def _is_text(message: Message) -> bool:
    return all(isinstance(part, TextPart) for part in message.parts)
