"""Values of a vendor's parameters: checked, filled into addresses, and the secret ones put into a credential.

What parameters a vendor has stands in its file (`turnpike.wire.vendor.Parameter`). Nothing is stored or encrypted here.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

import msgspec

from turnpike.errors import InvalidRequest
from turnpike.wire.vendor import Parameter, Vendor

MAX_VALUE = 16_384
_SECRET = re.compile(r"[\x21-\x7e]{1,8192}")
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_encode = msgspec.json.Encoder(order="sorted").encode


def fill(text: str, values: Mapping[str, str]) -> str:
    """`{name}` replaced by its value; what `values` does not know, such as `{model}`, stays."""
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), text) if "{" in text else text


def with_derived(vendor: Vendor, values: Mapping[str, str]) -> dict[str, str]:
    """The values, and what follows from them."""
    found = dict(values)
    for parameter in vendor.parameters:
        value = values.get(parameter.name)
        for derived in parameter.derived if value is not None else ():
            template = next((text for pattern, text in derived.cases if fnmatchcase(value or "", pattern)), None)
            if template is not None:
                found[derived.name] = fill(template, values)
    return found


def placeholders(text: str) -> list[str]:
    return _PLACE.findall(text)


def check_values(vendor: Vendor, given: Mapping[str, str]) -> dict[str, str]:
    """Every parameter that is no secret, with its default where `given` has none; what may be left out and was is
    empty. Raises InvalidRequest that names the parameter (`details["param"]` = `parameters.<name>`) and what would be
    right."""
    wanted = [parameter for parameter in vendor.parameters if not parameter.secret]
    _refuse_unknown(vendor, given, [parameter.name for parameter in wanted])
    return {parameter.name: _value(vendor, parameter, given.get(parameter.name)) for parameter in wanted}


def secret_names(vendor: Vendor) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in vendor.parameters if parameter.secret)


def pack_secret(vendor: Vendor, given: str, param: str = "shared_api_key") -> str:
    """The secret of a credential as it is kept: the API key itself, or for a vendor whose credential has parts a JSON
    object of them. Where only one part must be given, its bare value will do; where none must, it is the first.

    Raises InvalidRequest, which never repeats what was given.
    """
    parts = [parameter for parameter in vendor.parameters if parameter.secret]
    if not parts:
        if _SECRET.fullmatch(given) is None:
            raise InvalidRequest(
                f"{param}: a key is 1 to 8192 visible ASCII characters without blanks.", details={"param": param}
            )
        return given
    found = _object(given, [part.name for part in parts])
    if found is None:
        found = _sole(vendor, parts, given, param)
    _refuse_unknown(vendor, found, [part.name for part in parts])
    values = {part.name: _value(vendor, part, found.get(part.name)) for part in parts}
    return _encode({name: value for name, value in values.items() if value}).decode()


def unpack_secret(vendor: Vendor, secret: str) -> dict[str, str]:
    """The parts of a kept secret; empty for a vendor whose credential is one key, and for one that was kept before
    the vendor was changed."""
    names = secret_names(vendor)
    return (_object(secret, names) or {}) if names else {}


def shown_secret(vendor: Vendor, secret: str) -> str:
    """What a masked hint is made of: the first part, which usually is the key's public id."""
    parts = unpack_secret(vendor, secret)
    return next((parts[name] for name in secret_names(vendor) if name in parts), secret)


def _object(text: str, names: tuple[str, ...] | list[str]) -> dict[str, str] | None:
    """A JSON object of texts that holds one of our names at least; else None: a bare value may itself be JSON."""
    try:
        found = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError:
        return None
    return found if any(name in found for name in names) else None


def _sole(vendor: Vendor, parts: list[Parameter], given: str, param: str) -> dict[str, str]:
    needed = [part for part in parts if part.default is None] or parts[:1]
    if len(needed) != 1:
        names = ", ".join(f'"{part.name}"' for part in parts)
        raise InvalidRequest(
            f"{param}: a credential of {vendor.display_name} has several parts; give a JSON object of texts with "
            f"{names}.",
            details={"param": param},
        )
    return {needed[0].name: given}


def _refuse_unknown(vendor: Vendor, given: Mapping[str, str], known: list[str]) -> None:
    for name in given:
        if name not in known:
            raise InvalidRequest(
                f"parameters: {vendor.display_name} has no parameter {name[:64]!r}; it has "
                f"{', '.join(known) or 'none'}.",
                details={"param": f"parameters.{name[:64]}"},
            )


def _value(vendor: Vendor, parameter: Parameter, given: str | None) -> str:
    def refuse(reason: str) -> InvalidRequest:
        example = f", for example {parameter.example}" if parameter.example else ""
        return InvalidRequest(
            f"parameters.{parameter.name}: {vendor.display_name} {reason}{example}.",
            details={"param": f"parameters.{parameter.name}"},
        )

    value = (given or "").strip() or parameter.default
    if value is None:
        raise refuse(f"needs its {parameter.label}")
    if value and (len(value) > MAX_VALUE or re.fullmatch(parameter.pattern, value) is None):
        raise refuse(f"cannot take this as its {parameter.label}")
    return value
