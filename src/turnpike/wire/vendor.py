"""What a vendor is: the facts about a company's API, or about a server that anyone can run, as data."""

from enum import StrEnum
from typing import Literal
from urllib.parse import quote

import msgspec

from turnpike.wire.operations import Operation


class OperationSpec(msgspec.Struct, frozen=True, gc=False):
    """How a provider performs one operation: `path` is appended to the provider's base URL.

    A path may hold `{model}`, the provider's own name of the model with every reserved character encoded, or
    `{model:path}`, where `/`, `:` and `@` stand as they are; and a query (`?alt=sse`)."""

    dialect: str
    path: str
    stream_path: str | None = None
    """For streams, where they have a path of their own."""
    framing: str = "sse"
    """How streams are wrapped: a name of turnpike.wire.framing."""
    models: tuple[str, ...] = ()
    """Patterns with `*` of the provider's names of models that speak this dialect, where not all do. Empty: all."""
    header_members: dict[str, str] = {}
    """In the provider's own dialect: headers of the caller, in lower case, whose comma-separated words it wants as a
    list in the body, and under which name."""

    def path_for(self, upstream_model: str, *, stream: bool = False) -> str:
        path = self.stream_path if stream and self.stream_path is not None else self.path
        if "{model" not in path:
            return path
        return path.replace("{model:path}", quote(upstream_model, safe="/:@")).replace(
            "{model}", quote(upstream_model, safe="")
        )


AuthKind = Literal["header", "sigv4", "google", "entra"]


class AuthSpec(msgspec.Struct, frozen=True, gc=False):
    """How a credential is sent. As plain text it becomes one header: `header: prefix + secret` (an empty `header`
    means that none is sent), or with `query` a parameter of the query.

    `kind` names what else a credential may be, with parts of its own: `sigv4` signs each request with AWS keys for
    `service` in `region`; `google` and `entra` get short-lived tokens for `scope`, sent as a bearer's."""

    header: str = "authorization"
    prefix: str = "Bearer "
    kind: AuthKind = "header"
    query: str = ""
    service: str = ""
    region: str = ""
    """May hold `{name}` of a parameter."""
    scope: str = ""
    token_url: str = ""
    """Where `entra` gets its tokens; may hold `{name}` of a parameter or of the credential's parts."""


BEARER = AuthSpec()


class ModelsFormat(StrEnum):
    """Whose form a provider's list of models has."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    BEDROCK = "bedrock"
    VERTEX = "vertex"


class Derived(msgspec.Struct, frozen=True):
    """What a parameter's value says of another place: the first template whose pattern (with `*`) matches it."""

    name: str
    cases: tuple[tuple[str, str], ...]
    """Pattern, and what then stands at `{name}`; it may hold the parameter itself."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from one customer of the vendor to the next, beside the API key: a resource's name, a region.

    Its value fills `{name}` in the vendor's base URL, headers and operation paths. A secret one is a part of the
    credential instead: the secret of a credential of such a vendor is a JSON object of these parts, by name, and they
    fill nothing.
    """

    name: str
    """Lower case, digits and `_`; not `model`, which is the relay's."""
    label: str
    """What a person is asked for: "Account ID"."""
    example: str = ""
    default: str | None = None
    """None: it must be given. Empty: it may be left out."""
    pattern: str = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
    """The whole value matches it. The default one is safe in a host name and in a path."""
    secret: bool = False
    env_keys: tuple[str, ...] = ()
    """Environment variables that hold it, by the vendor's own SDK's name."""
    derived: tuple[Derived, ...] = ()


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    display_name: str
    website: str
    reference: str
    """The API reference that the facts were taken from."""
    base_url: str | None
    """With the version prefix where the vendor's own documents have it, without a trailing slash. None: every
    installation has its own, and a provider must be given one."""
    operations: dict[Operation, tuple[OperationSpec, ...]]
    """Best first. Empty: an API of its own kind only, which calls pass through to as they are."""
    env_keys: tuple[str, ...] = ()
    """Environment variables that hold a credential, by the vendor's own SDK's name."""
    parameters: tuple[Parameter, ...] = ()
    """Asked for in this order when a provider is added."""
    auth: AuthSpec = BEARER
    headers: dict[str, str] = {}
    needs_credential: bool = True
    models_path: str | None = "/models"
    """Appended to the base URL; None when the vendor lists none."""
    models_more: tuple[str, ...] = ()
    """Further lists, at paths like `models_path`."""
    models_host: tuple[str, str] | None = None
    """Lists are at another host: a part of the base URL, and what stands in its place there."""
    models_format: ModelsFormat = ModelsFormat.OPENAI
    models_public: bool = False
    """The list is shown to anybody: it says nothing of a credential."""
    credential_path: str | None = None
    """Appended to the base URL: what costs nothing and needs a valid credential, where no list of models does."""
    loopback_ports: tuple[int, ...] = ()
    """Where the server listens by default on one's own machine."""
    probe_path: str | None = None
    """Asked with GET at a loopback port, from the port's root: 200 means that this server is there."""
    probe_contains: str | None = None
    """What its answer holds, where several servers share a port."""
    price_provider: str | None = None
    """The provider's id in genai-prices."""
    quirks: frozenset[str] = frozenset()
    """Names of `turnpike.wire.profiles.quirks`."""
    exercised: Literal["simulated", "documented"] = "documented"
    """`simulated`: its forms are run through the simulator and the official SDKs in the tests. `documented`: its
    differences were taken from its reference only."""


def openai_compatible(
    prefix: str = "", *, embeddings: bool = True, messages: str | None = None, responses: str | None = None
) -> dict[Operation, tuple[OperationSpec, ...]]:
    """The operations of an API that follows OpenAI's paths below its base URL.

    `prefix`: what stands before those paths, where the base URL does not hold it already. `messages`, `responses`:
    the paths at which it also speaks Anthropic's Messages form and OpenAI's Responses form, where its documents say
    so.
    """
    chat = (OperationSpec("openai_chat", f"{prefix}/chat/completions"),)
    if messages is not None:
        chat += (OperationSpec("anthropic_messages", messages),)
    if responses is not None:
        chat += (OperationSpec("openai_responses", responses),)
    operations: dict[Operation, tuple[OperationSpec, ...]] = {Operation.CHAT: chat}
    if embeddings:
        operations[Operation.EMBEDDINGS] = (OperationSpec("openai_embeddings", f"{prefix}/embeddings"),)
    return operations


def audio(prefix: str = "", query: str = "") -> dict[Operation, tuple[OperationSpec, ...]]:
    """Speech and what understands it, at OpenAI's paths after `prefix`."""
    return {
        Operation.SPEECH: (OperationSpec("openai_speech", f"{prefix}/audio/speech{query}"),),
        Operation.TRANSCRIPTION: (OperationSpec("openai_transcription", f"{prefix}/audio/transcriptions{query}"),),
        Operation.TRANSLATION: (OperationSpec("openai_translation", f"{prefix}/audio/translations{query}"),),
    }


IMAGES = {Operation.IMAGE_GENERATION: (OperationSpec("openai_images", "/images/generations"),)}
MODERATIONS = {Operation.MODERATION: (OperationSpec("openai_moderations", "/moderations"),)}
VIDEOS = {Operation.VIDEO: (OperationSpec("openai_videos", "/videos"),)}
AUDIO = audio()
IMAGE_EDITS = {
    Operation.IMAGE_EDIT: (OperationSpec("openai_image_edit", "/images/edits"),),
    Operation.IMAGE_VARIATION: (OperationSpec("openai_image_variation", "/images/variations"),),
}
REALTIME = {Operation.REALTIME: (OperationSpec("openai_realtime", "/realtime"),)}
INPUT_TOKENS = {Operation.COUNT_TOKENS: (OperationSpec("openai_input_tokens", "/responses/input_tokens"),)}
RERANK = {Operation.RERANK: (OperationSpec("jina_rerank", "/rerank"),)}
"""What many APIs have beside `openai_compatible`'s operations, at the usual paths."""
