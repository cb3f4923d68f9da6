"""Anthropic's form as clouds take it: what stands in the path there, and the version in the body.

Sources: the pages on Claude in the Amazon Bedrock user guide and in the Vertex AI documentation.
"""

from functools import lru_cache

from turnpike.wire.profiles import quirks as q

_VERSIONS = {
    q.ANTHROPIC_VERSION_BEDROCK: "bedrock-2023-05-31",
    q.ANTHROPIC_VERSION_VERTEX: "vertex-2023-10-16",
}


def is_elsewhere(quirks: frozenset[str]) -> bool:
    """Whether the body is not Anthropic's own."""
    return q.MODEL_IN_PATH in quirks


@lru_cache(16)
def cloud_members(quirks: frozenset[str]) -> tuple[tuple[str, ...], dict[str, object]]:
    """Members to take out of the body, and members to put into it."""
    removed = ["model"]
    if q.STREAM_IN_PATH in quirks:
        removed.append("stream")
    added: dict[str, object] = {}
    for quirk, version in _VERSIONS.items():
        if quirk in quirks:
            added["anthropic_version"] = version
    return tuple(removed), added
