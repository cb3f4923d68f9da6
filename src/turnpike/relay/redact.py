"""Takes credentials out of a provider's words before they reach a caller."""

import re

from turnpike.errors import UpstreamRefused

_KEYLIKE = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|key|tok|api|hf|r8|nvapi|AIza|Bearer|Basic)[-_ ][A-Za-z0-9*._~+/=-]{6,}"
    r"|\bAIza[0-9A-Za-z_-]{20,}|[A-Za-z0-9]{4,}\*{3,}[A-Za-z0-9]*"
)
_MASK = "[redacted]"
_SHORTEST = 4
"""A secret shorter than this is no secret, and its letters are everywhere."""


def redact(text: str, *secrets: str | None) -> str:
    """`text` without the secrets that were sent, nor anything that looks like one: providers like to repeat a wrong key
    masked in the middle, which still shows its ends."""
    for secret in secrets:
        if secret and len(secret) >= _SHORTEST:
            text = text.replace(secret, _MASK)
    return _KEYLIKE.sub(_MASK, text)


def redact_refusal(error: UpstreamRefused, secrets: tuple[str, ...]) -> None:
    """The same for every word of a refusal that a caller is shown."""
    error.message = redact(error.message, *secrets)
    error.upstream_code = error.upstream_code and redact(error.upstream_code, *secrets)
    error.upstream_type = error.upstream_type and redact(error.upstream_type, *secrets)
    error.param = error.param and redact(error.param, *secrets)


def redact_bytes(data: bytes, secrets: tuple[str, ...]) -> bytes:
    """An error in the middle of a stream passes as it came, but for the secret that was sent."""
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            data = data.replace(secret.encode(), _MASK.encode())
    return data
