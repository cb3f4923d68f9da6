"""Reading fields of a decoded JSON body, with a complaint that names the field's place: `messages[0].content`."""

from typing import Any

_NAMES: dict[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


class FieldError(Exception):
    """`kind` is `missing`, `type` or `value`; `path` the field's place."""

    def __init__(self, path: str, kind: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.kind = kind
        self.message = message


def describe(value: Any) -> str:
    return _NAMES.get(type(value), "something else")


def _fits(value: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _place(name: str, path: str) -> str:
    return f"{path}.{name}" if path else name


def present(data: dict[str, Any], name: str, path: str = "") -> Any:
    """A field of any type that must be there and not null. Raises FieldError."""
    value = data.get(name)
    if value is None:
        raise FieldError(_place(name, path), "missing", "it is required")
    return value


def take(data: dict[str, Any], name: str, kind: type, path: str = "") -> Any:
    """A field of one type that must be there. Raises FieldError."""
    return check(present(data, name, path), kind, _place(name, path))


def maybe(data: dict[str, Any], name: str, kind: type, path: str = "") -> Any:
    """A field that may be absent or null: then None. Raises FieldError for another type."""
    value = data.get(name)
    return None if value is None else check(value, kind, _place(name, path))


def check(value: Any, kind: type, path: str) -> Any:
    if not _fits(value, kind):
        raise FieldError(path, "type", f"expected {_NAMES[kind]}, but got {describe(value)} instead")
    return value


def one_of(value: Any, allowed: tuple[str, ...], path: str) -> str:
    if value not in allowed:
        listed = ", ".join(f"'{one}'" for one in allowed)
        raise FieldError(path, "value", f"'{value}' is none of the supported values: {listed}")
    return value


def between(value: float | None, low: float, high: float, path: str) -> None:
    if value is not None and not low <= value <= high:
        raise FieldError(path, "value", f"{value} is out of range: it must be from {low} to {high}")
