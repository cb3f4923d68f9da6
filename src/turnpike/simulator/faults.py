"""The grammar of faults: what a header `x-sim-fault` or a model named `sim/...` asks the simulator to do wrong.

`latency=200ms,status=429,retry-after=2`: items between commas, each a name or `name=value`. docs/simulator.md lists
them for users. This module reads the words; `turnpike.simulator.performance` carries them out.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

MODEL_PREFIX = "sim/"
ERROR_KINDS = (
    "bad-key", "permission", "quota", "rate-limit", "context", "refused", "overloaded", "not-found", "internal",
)  # fmt: skip

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([a-z]*)", re.IGNORECASE)
_TIME_UNITS = {"ms": 0.001, "s": 1.0}
_SIZE_UNITS = {"": 1, "b": 1, "kb": 1024, "mb": 1024 * 1024}


class FaultError(Exception):
    """The specification cannot be read; the message says which item and what would be right."""


class Faults(msgspec.Struct, frozen=True):
    """What goes wrong with one answer. An event is one SSE event; counts of events are those sent before the fault."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    pace_s: float = 0.0
    drip_s: float | None = None
    status: int | None = None
    error: str | None = None
    """A class of `turnpike.simulator.troubles`, in the vendor's own form."""
    retry_after: str | None = None
    fail: int | None = None
    share: float | None = None
    """Of the calls that go wrong, from 0 to 1."""
    key: str | None = None
    cut: int | None = None
    reset: int | None = None
    hang: int | None = None
    error_event: int | None = None
    garbage: bool = False
    bad_json: bool = False
    bad_sse: bool = False
    html: bool = False
    content_type: str | None = None
    oversize_bytes: int = 0
    no_usage: bool = False
    no_end: bool = False
    close: bool = False


NONE = Faults()


def _duration(text: str) -> float:
    match = _NUMBER.fullmatch(text)
    if match is None or match[2].lower() not in _TIME_UNITS:
        raise ValueError("a time with its unit, such as 200ms or 1.5s")
    return float(match[1]) * _TIME_UNITS[match[2].lower()]


def _size(text: str) -> int:
    match = _NUMBER.fullmatch(text)
    if match is None or match[2].lower() not in _SIZE_UNITS:
        raise ValueError("a size such as 4096, 64KB or 10MB")
    return int(float(match[1]) * _SIZE_UNITS[match[2].lower()])


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("a whole number, 0 or more")
    return int(text)


def _status(text: str) -> int:
    if not text.isdecimal() or not 300 <= int(text) <= 599:
        raise ValueError("an HTTP status from 300 to 599")
    return int(text)


def _kind(text: str) -> str:
    if text not in ERROR_KINDS:
        raise ValueError(f"one of {', '.join(ERROR_KINDS)}")
    return text


def _share(text: str) -> float:
    percent = text.endswith("%")
    match = _NUMBER.fullmatch(text.removesuffix("%"))
    share = float(match[1]) / (100 if percent else 1) if match is not None and not match[2] else -1.0
    if not 0 <= share <= 1:
        raise ValueError("a share such as 0.3 or 30%")
    return share


def _text(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable():
        raise ValueError("printable ASCII text")
    return text


class _Item(msgspec.Struct, frozen=True):
    field: str
    read: Callable[[str], Any] | None
    """None: the item is a word without a value."""
    alone: Any = None
    """What the bare name means; None when it needs a value."""


_ITEMS: dict[str, _Item] = {
    "latency": _Item("latency_s", _duration),
    "jitter": _Item("jitter_s", _duration),
    "pace": _Item("pace_s", _duration),
    "drip": _Item("drip_s", _duration, 0.0),
    "status": _Item("status", _status),
    "error": _Item("error", _kind),
    "retry-after": _Item("retry_after", _text),
    "fail": _Item("fail", _count, 1),
    "share": _Item("share", _share),
    "key": _Item("key", _text),
    "cut": _Item("cut", _count, 3),
    "reset": _Item("reset", _count, 3),
    "hang": _Item("hang", _count, 0),
    "error-event": _Item("error_event", _count, 3),
    "garbage": _Item("garbage", None),
    "bad-json": _Item("bad_json", None),
    "bad-sse": _Item("bad_sse", None),
    "html": _Item("html", None),
    "content-type": _Item("content_type", _text),
    "oversize": _Item("oversize_bytes", _size, 1024 * 1024),
    "no-usage": _Item("no_usage", None),
    "no-end": _Item("no_end", None),
    "close": _Item("close", None),
}

FAULT_NAMES: tuple[str, ...] = tuple(_ITEMS)


def parse(specification: str) -> Faults:
    """Raises FaultError, naming the item."""
    values: dict[str, Any] = {}
    for word in specification.split(","):
        name, given, value = (part.strip() for part in word.partition("="))
        if not name and not given:
            continue
        item = _ITEMS.get(name.lower())
        if item is None:
            raise FaultError(f"'{name}' is no fault of the simulator; there are: {', '.join(FAULT_NAMES)}")
        values[item.field] = _value(name, item, value if given else None)
    if "retry_after" in values and "error" not in values:
        values.setdefault("status", 429)
    return Faults(**values)


def _value(name: str, item: _Item, value: str | None) -> Any:
    if item.read is None:
        if value is not None:
            raise FaultError(f"'{name}' takes no value")
        return True
    if value is None:
        if item.alone is None:
            raise FaultError(f"'{name}' needs a value: {name}=...")
        return item.alone
    try:
        return item.read(value)
    except ValueError as error:
        raise FaultError(f"'{name}={value}': the value must be {error}") from error


def of_model(model: str) -> str | None:
    """The specification inside a model's name: what follows `sim/`. None for an ordinary name."""
    return model[len(MODEL_PREFIX) :] if model.startswith(MODEL_PREFIX) else None


_SLOWING: dict[str, Any] = {"latency_s": 0.0, "jitter_s": 0.0, "pace_s": 0.0, "drip_s": None, "close": False}
_HARMLESS: dict[str, Any] = {"fail": None, "share": None, "key": None, **_SLOWING}
"""Items that slow an answer down or count it, but do not make it fail."""


class FailureCounter:
    """Counts calls per fault key, for `fail=N` (the first N calls go wrong, later ones do not) and `share=0.3` (three
    of ten, spread evenly; all are slowed down alike)."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def clear(self) -> None:
        self._seen.clear()

    def in_force(self, faults: Faults, specification: str) -> Faults:
        """The faults that this call meets. A bare `fail=N` or `share=...` means status 500."""
        if faults.fail is None and faults.share is None:
            return faults
        key = faults.key or specification
        seen = self._seen.get(key, 0)
        self._seen[key] = seen + 1
        if faults.fail is not None and seen >= faults.fail:
            return NONE
        if faults.share is not None and int((seen + 1) * faults.share) == int(seen * faults.share):
            return Faults(**{name: getattr(faults, name) for name in _SLOWING})
        if msgspec.structs.replace(faults, **_HARMLESS) == NONE:
            return msgspec.structs.replace(faults, status=500)
        return faults
