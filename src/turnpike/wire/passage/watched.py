"""Ordinary calls whose answer a provider stores, or whose body names stored objects: which paths, and how it is told.

None of it costs the common path more than a search for some bytes, and one field of a chat, which its head has read.
"""

import msgspec

from turnpike.wire.passage.kinds import KINDS, Kind
from turnpike.wire.passage.paths import Api


class Watched(msgspec.Struct, frozen=True):
    api: Api
    kind: Kind | None = None
    """What a stored answer becomes."""
    always: bool = False
    """Stored unless the body says otherwise, and read in any case."""
    needles: tuple[bytes, ...] = ()
    """A body that holds none of these names no object."""


_BY_NAME = {kind.full_name: kind for kind in KINDS}
_FILES = (b'"file_id"', b'"skill_id"')
_GEMINI = (b"ileUri", b"ile_uri", b"achedContent", b"ached_content", b"earchStore", b"earch_store")

WATCHED: dict[str, Watched] = {
    "/v1/responses": Watched(Api.OPENAI, _BY_NAME["openai.responses"], always=True),
    "/v1/responses/input_tokens": Watched(Api.OPENAI, always=True),
    "/v1/videos": Watched(Api.OPENAI, _BY_NAME["openai.videos"], always=True),
    "/v1/chat/completions": Watched(Api.OPENAI, _BY_NAME["openai.chat.completions"], needles=(b'"file_id"',)),
    "/v1/messages": Watched(Api.ANTHROPIC, needles=_FILES),
    "/v1/messages/count_tokens": Watched(Api.ANTHROPIC, needles=_FILES),
}
"""By the endpoint's path."""
WATCHED_GEMINI = Watched(Api.GEMINI, needles=_GEMINI)


def watched(path: str) -> Watched | None:
    """What to look for at an endpoint; None: nothing."""
    return WATCHED_GEMINI if path.startswith(("/v1beta/", "/v1/models/")) else WATCHED.get(path)
