"""Errors as providers write them, whatever their form, and what may be shown of them."""

import re
from typing import Any, cast

import msgspec

from turnpike.errors import UpstreamRefused

MAX_MESSAGE_CHARS = 2000

_decode = msgspec.json.Decoder().decode

# Providers repeat a wrong key, whole or starred out, in their message: it is ours, not the caller's.
_SECRETS = re.compile(
    r"\b(?:sk|rk|pk|tp|gsk|xai|key|pplx|r8|hf|nvapi|fw|csk|tgp)[-_][A-Za-z0-9*._-]{6,}"
    r"|\bAIza[A-Za-z0-9*_-]{10,}"
    r"|(?i:\bbearer\s+)[A-Za-z0-9*._~+/=-]{6,}"
    r"|(?i:\b(?:api[_ -]?key(?:\s+provided)?|token|x-api-key)\s*[:=]\s*)[\"']?[A-Za-z0-9*._~+/=-]{4,}"
)


def scrub(text: str) -> str:
    """The text without what looks like a credential, and bounded in length."""
    if len(text) > MAX_MESSAGE_CHARS:
        text = text[:MAX_MESSAGE_CHARS] + "..."
    return _SECRETS.sub("[removed]", text)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return None


def _message(error: dict[str, Any]) -> str | None:
    for name in ("message", "detail", "error_description", "msg", "title"):
        value = error.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, (list, dict)) and value:
            return msgspec.json.encode(value).decode()
    return None


def read_error(status: int, body: bytes) -> UpstreamRefused:
    """The error that a provider's answer tells: OpenAI's, Anthropic's and Google's forms, FastAPI's `detail`, a plain
    string, HTML or nothing. Never raises for what the body holds."""
    try:
        decoded: Any = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decoded = body[: MAX_MESSAGE_CHARS * 4].decode("utf-8", "replace").strip()
        if decoded.startswith("<"):
            decoded = ""
    if isinstance(decoded, list) and decoded:
        decoded = cast("list[Any]", decoded)[0]
    error: dict[str, Any] = {}
    message: str | None = None
    if isinstance(decoded, dict):
        whole = cast("dict[str, Any]", decoded)
        inner = whole.get("error")
        if isinstance(inner, dict):
            error = cast("dict[str, Any]", inner)
        else:
            error = whole
            message = _text(inner)
        message = _message(error) or message
    elif isinstance(decoded, str):
        message = decoded
    return UpstreamRefused(
        scrub(message) if message else f"The provider answered with status {status} and no message.",
        status=status if 400 <= status <= 599 else 502,
        upstream_code=_text(error.get("code")),
        upstream_type=_text(error.get("type")) or _text(error.get("status")),
        param=_text(error.get("param")),
    )
