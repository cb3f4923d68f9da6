"""Errors as providers write them, whatever their form, and what may be shown of them."""

import re
from typing import Any, cast

import msgspec

from turnpike.errors import UpstreamRefused
from turnpike.wire.dialects.common.refusals import kind_in_body, kind_of, right_status

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
    for name in ("message", "detail", "error_description", "msg", "status_msg", "title", "errors"):
        value = error.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, list) and value:
            return _listed(cast("list[Any]", value))
        if isinstance(value, dict) and value:
            inner = cast("dict[str, Any]", value)
            return _message(inner) or msgspec.json.encode(inner).decode()
    return None


def _listed(errors: list[Any]) -> str:
    """FastAPI's and Pydantic's list of what is wrong where, or a list of plain texts."""
    said: list[str] = []
    for one in errors[:8]:
        if isinstance(one, dict):
            item = cast("dict[str, Any]", one)
            text = _message(item)
            if text is not None:
                place = _place(item)
                said.append(f"{place}: {text}" if place else text)
        elif isinstance(one, str):
            said.append(one)
    return "; ".join(said) or msgspec.json.encode(errors).decode()


def _place(error: dict[str, Any]) -> str | None:
    """`body.messages.0.role` of a FastAPI error's `loc`, without the word for the body."""
    loc = error.get("loc")
    if not isinstance(loc, list):
        return None
    steps = [str(step) for step in cast("list[Any]", loc)]
    return ".".join(steps[1:] if steps[:1] == ["body"] else steps) or None


def read_error(status: int, body: bytes) -> UpstreamRefused:
    """The error that a provider's answer tells: OpenAI's, Anthropic's and Google's forms, FastAPI's `detail`,
    `{"message"}`, `{"error": "text"}`, problem details, Cloudflare's `errors`, MiniMax's `base_resp`, a plain string,
    HTML or nothing. Never raises for what the body holds."""
    decoded = _decoded(body)
    error: dict[str, Any] = {}
    message: str | None = None
    if isinstance(decoded, dict):
        error, message = _error_in(cast("dict[str, Any]", decoded))
    elif isinstance(decoded, str):
        message = decoded
    first = _first(error.get("detail")) or _first(error.get("errors")) or {}
    code = _word(error, "code", "error_code", "status_code", "__type", "reason")
    code = code or _word(first, "code", "reason", "status")
    type_ = _word(error, "type", "error_type", "status", "name")
    kind = kind_of(status, _plain(code), _plain(type_), message or "")
    if "status_msg" in error:
        kind = kind_in_body(error.get("status_code")) or kind
    return UpstreamRefused(
        scrub(message) if message else f"The provider answered with status {status} and no message.",
        status=right_status(kind, status),
        upstream_code=code,
        upstream_type=type_,
        param=_text(error.get("param")) or _place(first),
        kind=kind,
    )


def refusal_in(body: bytes) -> UpstreamRefused | None:
    """The error that an answer with status 200 tells in its body; None for a real answer."""
    decoded = _decoded(body)
    if not isinstance(decoded, dict):
        return None
    whole = cast("dict[str, Any]", decoded)
    base = whole.get("base_resp")
    failed = isinstance(base, dict) and cast("dict[str, Any]", base).get("status_code") not in (0, None)
    if failed or whole.get("success") is False or (whole.get("error") and not whole.get("choices")):
        return read_error(200, body)
    return None


def _decoded(body: bytes) -> object:
    try:
        decoded: Any = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = body[: MAX_MESSAGE_CHARS * 4].decode("utf-8", "replace").strip()
        return "" if text.startswith("<") else text
    if isinstance(decoded, list) and decoded:
        return cast("list[object]", decoded)[0]
    return cast("object", decoded)


def _error_in(whole: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The object that tells the error, and its message."""
    for name in ("error", "base_resp"):
        inner = whole.get(name)
        if isinstance(inner, dict):
            error = cast("dict[str, Any]", inner)
            return error, _message(error)
    return whole, _text(whole.get("error")) or _message(whole)


def _first(errors: Any) -> dict[str, Any] | None:
    """The first of a list of objects, or the one object that stands there instead."""
    if isinstance(errors, list) and errors:
        errors = cast("list[Any]", errors)[0]
    return cast("dict[str, Any]", errors) if isinstance(errors, dict) else None


def _word(error: dict[str, Any], *names: str) -> str | None:
    return next((text for text in (_text(error.get(name)) for name in names) if text is not None), None)


def _plain(word: str | None) -> str | None:
    """A code without its namespace: `com.amazonaws#ThrottlingException`."""
    return None if word is None else word.rpartition("#")[2]
