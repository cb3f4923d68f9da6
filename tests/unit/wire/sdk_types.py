"""The official SDKs' request types, made strict: unknown members refused, lists where they say Iterable."""

import collections.abc
import os
import types
import typing
from functools import cache
from typing import Any, Union

import pydantic
import typing_extensions


@cache
def adapter(params: Any) -> pydantic.TypeAdapter[Any]:
    """An adapter that refuses unknown members, too."""
    return pydantic.TypeAdapter(_strict(params))


@cache
def _strict(kind: Any) -> Any:
    if typing_extensions.is_typeddict(kind):
        hints = typing_extensions.get_type_hints(kind, include_extras=True)
        fields = {name: _strict(hint) for name, hint in hints.items()}
        made: Any = typing_extensions.TypedDict(kind.__name__, fields, total=False)  # pyright: ignore[reportArgumentType]
        made.__pydantic_config__ = pydantic.ConfigDict(extra="forbid")
        return made
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if (origin or kind) in (typing.IO, os.PathLike):
        return str  # a file that the SDK itself would read: never in JSON
    if origin is None or origin is typing.Literal:
        return list[str] if getattr(kind, "__name__", "") == "SequenceNotStr" else kind
    inner = tuple(_strict(argument) for argument in arguments)
    if origin in (Union, types.UnionType):
        return Union[inner]  # noqa: UP007
    if origin is collections.abc.Iterable or getattr(origin, "__name__", "") == "SequenceNotStr":
        return list[inner]  # pyright: ignore[reportInvalidTypeArguments]
    return origin[inner[0]] if origin in (typing_extensions.Required, typing.Required) else kind
