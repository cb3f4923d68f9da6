"""A caller's request in another dialect, with what that dialect has no word for refused or, on demand, left out.

Only how an answer is made may be left out: parameters, tools of a provider's own. Never what the request is about.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from turnpike.errors import Inexpressible
from turnpike.wire.dialect import AnyRequest, Dialect, Target
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.types.conversation import Request

W = TypeVar("W")

_CONTENT = frozenset((
    "model", "messages", "contents", "content", "input", "inputs", "instructions", "system", "systemInstruction",
    "system_instruction", "texts", "images", "documents", "query", "requests", "stream", "previous_response_id",
    "conversation", "prompt",
))  # fmt: skip
_DEFAULTS = Request(model="", messages=())
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_DROPPED_AT_MOST = 64


def translate(
    caller: Dialect,
    write: Callable[[AnyRequest, Target], W],
    body: bytes,
    wire: Target,
    *,
    drop: bool = False,
    stream: bool = False,
) -> tuple[W, tuple[str, ...]]:
    """What is to be sent, and the names of what was left out, in the caller's words where it has them.

    `write`: the target dialect's `write_request`, or what else writes for it. `stream`: whether the answer is to be
    streamed, which not every dialect says in its body.

    Raises Inexpressible or InvalidRequest; with `drop`, Inexpressible only for what must not be left out.
    """
    if not drop:
        return write(_read(caller, body, stream=stream), wire), ()
    dropped: list[str] = []
    unset: list[str] = []
    """Of those, what was taken out of the canonical request: a body that is read again has it still."""
    request: AnyRequest | None = None
    while True:
        try:
            if request is None:
                request = _read(caller, body, stream=stream)
                for name in unset:
                    request = without_field(request, name) or request
            return write(request, wire), tuple(dropped)
        except Inexpressible as error:
            # What is of a wrong type goes as a whole.
            param = str((error.details or {}).get("param") or "").removesuffix(".type")
            if _first(param) in _CONTENT or param in dropped or len(dropped) >= _DROPPED_AT_MOST:
                raise
            shorter = without_field(request, param) if request is not None else None
            if shorter is None:
                pruned = without_member(body, param)
                if pruned is None:
                    raise
                body = pruned
            else:
                unset.append(param)
            request = shorter
            dropped.append(param)


def _read(caller: Dialect, body: bytes, *, stream: bool) -> AnyRequest:
    request = caller.read_request(body)
    if stream and isinstance(request, Request):
        request.stream = True
    return request


def without_field(request: AnyRequest, param: str) -> AnyRequest | None:
    """The canonical request without one of its fields or of its dialect's own; None when it has none of that name."""
    if not isinstance(request, Request):
        return None
    name = param if param in request.extra else _first(param)
    if name in request.extra:
        extra = {each: raw for each, raw in request.extra.items() if each != name}
        return msgspec.structs.replace(request, extra=extra)
    if param != name or name not in Request.__struct_fields__:
        return None
    unset = getattr(_DEFAULTS, name)
    return None if getattr(request, name) == unset else msgspec.structs.replace(request, **{name: unset})


def without_member(body: bytes, param: str) -> bytes | None:
    """A JSON body without the member or element at a path such as `tools[2]` or `response_format.json_schema.strict`;
    None when there is none. Raises InvalidJson."""
    try:
        root = msgspec.json.decode(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    steps: list[str | int] = [int(index) if index else name for name, index in _STEP.findall(param)]
    if not steps:
        return None
    place: Any = root
    for step in steps[:-1]:
        place = _member(place, step)
    if _member(place, steps[-1]) is None:
        return None
    del place[steps[-1]]
    return msgspec.json.encode(root)


def _member(place: Any, step: str | int) -> Any:
    try:
        return place[step]
    except (KeyError, IndexError, TypeError):
        return None


def _first(param: str) -> str:
    return re.split(r"[.\[]", param, maxsplit=1)[0]
