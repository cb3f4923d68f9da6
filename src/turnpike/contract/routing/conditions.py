"""Which rule of a route a request meets: by who asks, how it is tagged, how long it is and what it needs."""

import re
from collections.abc import Callable

import msgspec

from turnpike.contract.routes import Conditions, Need, RouteSpec, Rule
from turnpike.wire.formats import wants_json

_SIGNS: dict[Need, re.Pattern[bytes]] = {
    Need.TOOLS: re.compile(rb'"(?:tools|functions|toolConfig)"\s*:\s*[\[{]\s*[^\s\]}]'),
    Need.VISION: re.compile(
        rb'"(?:image_url|input_image)"|"type"\s*:\s*"image"|"mime_?[tT]ype"\s*:\s*"image/'
        rb'|"image"\s*:\s*\{\s*"(?:format|source)"'
    ),
    Need.AUDIO: re.compile(
        rb'"(?:input_audio|audio_url)"|"mime_?[tT]ype"\s*:\s*"audio/|"audio"\s*:\s*\{\s*"(?:format|source|voice)"'
        rb'|"(?:output_|response_?)?[mM]odalities"\s*:\s*\[[^\]]*"(?:audio|AUDIO)"'
    ),
}
"""Field names of the dialects. Inside of a JSON text their quotes would be escaped, so prompts do not set them off."""


class Facts(msgspec.Struct, frozen=True):
    """What conditions look at. `needs` tells whether a request has a need: it is asked only where a rule does."""

    tags: tuple[str, ...]
    tier: str
    department_id: str | None
    user_id: str
    key_id: str
    operation: str
    input_tokens: int
    needs: Callable[[Need], bool]


def needed(body: bytes, need: Need, *, streams: bool) -> bool:
    """Whether a request's JSON asks for it."""
    if need is Need.STREAMING:
        return streams
    if need is Need.JSON:
        return wants_json(body)
    return _SIGNS[need].search(body) is not None


def unmet(when: Conditions, facts: Facts) -> str | None:
    """Why a request does not meet the conditions, for people; None when it does."""
    if when.tags and not any(tag in when.tags for tag in facts.tags):
        return _not_among("tags", ", ".join(facts.tags), when.tags)
    if when.tiers and facts.tier not in when.tiers:
        return _not_among("tier", facts.tier, when.tiers)
    if when.departments and facts.department_id not in when.departments:
        return _not_among("department", facts.department_id, when.departments)
    if when.users and facts.user_id not in when.users:
        return _not_among("user", facts.user_id, when.users)
    if when.keys and facts.key_id not in when.keys:
        return _not_among("key", facts.key_id, when.keys)
    if when.operations and facts.operation not in when.operations:
        return _not_among("operation", facts.operation, when.operations)
    return _unmet_by_body(when, facts)


def _not_among(what: str, found: str | None, wanted: tuple[str, ...]) -> str:
    return f"{what}: {found or 'none'} is not among {', '.join(wanted)}"


def _unmet_by_body(when: Conditions, facts: Facts) -> str | None:
    if when.min_input_tokens is not None and facts.input_tokens < when.min_input_tokens:
        return f"input tokens: about {facts.input_tokens}, fewer than {when.min_input_tokens}"
    if when.max_input_tokens is not None and facts.input_tokens > when.max_input_tokens:
        return f"input tokens: about {facts.input_tokens}, more than {when.max_input_tokens}"
    for need in when.needs:
        if not facts.needs(need):
            return f"needs: the request does not ask for {need}"
    return None


def rule_for(route: RouteSpec, facts: Facts) -> tuple[int, Rule] | None:
    """The first rule that the request meets, and its place."""
    for place, rule in enumerate(route.rules):
        if unmet(rule.when, facts) is None:
            return place, rule
    return None
