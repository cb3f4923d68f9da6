"""A caller's own bytes put right for a server that knows older names: the little that differs between servers of this
form and that callers cannot know, since they do not know the server.

Only what means the same under another name is touched; what a server cannot do at all it refuses by itself.
"""

import msgspec

from turnpike.wire.dialects.common.body import BODY_ERRORS, rename_member, replace_value
from turnpike.wire.profiles import quirks as q

_messages = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
_role = msgspec.json.Decoder(str).decode
_SYSTEM = msgspec.Raw(b'"system"')


def rewritten(body: bytes, quirks: frozenset[str]) -> bytes:
    """`body` itself where nothing is to be done."""
    if q.MAX_TOKENS in quirks and b"max_completion_tokens" in body:
        body = rename_member(body, "max_completion_tokens", "max_tokens")
    if q.RANDOM_SEED in quirks and b"seed" in body:
        body = rename_member(body, "seed", "random_seed")
    if q.NO_DEVELOPER_ROLE in quirks and b"developer" in body:
        body = _without_developer(body)
    return body


def _without_developer(body: bytes) -> bytes:
    """What is no list of messages is left to the server to refuse."""
    try:
        messages = _list(_messages(body).get("messages", b"[]"))
        changed = False
        for message in messages:
            if "role" in message and _role(message["role"]) == "developer":
                message["role"] = _SYSTEM
                changed = True
    except BODY_ERRORS:
        return body
    return replace_value(body, "messages", msgspec.json.encode(messages)) if changed else body
