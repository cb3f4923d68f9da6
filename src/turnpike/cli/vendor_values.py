"""What a vendor needs of the person who adds it: the values of its parameters, and its credential.

Each is taken from an option, else from the vendor's own environment variable, else asked for on a terminal. A secret is
never taken from anywhere that shows it unless the person wrote it there.
"""

import getpass
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from turnpike.errors import InvalidRequest
from turnpike.settings import found_vendor_keys
from turnpike.wire.vendor import Parameter, Vendor
from turnpike.wire.vendors import VENDORS

CUSTOM = "openai_compatible"
STDIN = "-"


@dataclass(frozen=True)
class VendorValues:
    api_key: str | None = field(default=None, repr=False)
    parameters: dict[str, str] = field(default_factory=dict[str, str], repr=False)


def find_vendor(name: str) -> Vendor:
    """Raises InvalidRequest that names the vendors there are."""
    found = VENDORS.get(name.lower().replace("-", "_").replace(".", "_"))
    if found is None:
        raise InvalidRequest(
            f"{name!r} is no vendor; take one of {', '.join(VENDORS)}: {CUSTOM} with --base-url for any API that "
            "follows OpenAI's"
        )
    return found


def vendor_values(vendor: Vendor, api_key: str | None, settings: Iterable[str] | None) -> VendorValues:
    """All that `vendor` needs. Raises InvalidRequest for what is missing and cannot be asked for."""
    given = parsed_settings(vendor, settings)
    wanted = [each for each in vendor.parameters if not (each.secret and api_key)]
    values = {each.name: _parameter(vendor, each, given.get(each.name)) for each in wanted}
    values.update({name: value for name, value in given.items() if name not in values})
    parted = any(each.secret for each in vendor.parameters)
    key = read_key(api_key) if parted else credential(vendor, api_key)
    return VendorValues(key, {name: value for name, value in values.items() if value is not None})


def parsed_settings(vendor: Vendor | None, settings: Iterable[str] | None) -> dict[str, str]:
    """`name=value`; the value `-` is a line of standard input, `@path` a file. Raises InvalidRequest."""
    known = [each.name for each in vendor.parameters] if vendor else []
    found: dict[str, str] = {}
    for setting in settings or ():
        name, equals, value = setting.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise InvalidRequest("--set takes NAME=VALUE")
        if vendor is not None and name not in known:
            raise InvalidRequest(
                f"{vendor.display_name} has no parameter {name!r}; it has {', '.join(known) or 'none'}"
            )
        found[name] = _value_of(name, value)
    return found


def _value_of(name: str, value: str) -> str:
    if value == STDIN:
        return _stdin_line(f"--set {name}=-")
    if value.startswith("@"):
        try:
            return Path(value[1:]).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"--set {name}: {value[1:]} cannot be read: {error}") from error
    return value.strip()


def _parameter(vendor: Vendor, parameter: Parameter, given: str | None) -> str | None:
    if given is not None:
        return given
    found = found_vendor_keys(parameter.env_keys)
    if found:
        variable, value = next(iter(found.items()))
        sys.stderr.write(f"Using the {parameter.label} in {variable}.\n")
        return value.get_secret_value()
    if parameter.default is not None:
        return None  # the default is the vendor's to know
    if not sys.stdin.isatty():
        variables = f", or set {' or '.join(parameter.env_keys)}" if parameter.env_keys else ""
        shown = STDIN if parameter.secret else (parameter.example or "VALUE")
        raise InvalidRequest(
            f"{vendor.display_name} needs its {parameter.label}: give it with --set {parameter.name}={shown}{variables}"
        )
    return _asked(vendor, parameter)


def _asked(vendor: Vendor, parameter: Parameter) -> str:
    if parameter.secret:
        typed = getpass.getpass(f"{vendor.display_name}, {parameter.label} (not shown): ").strip()
    else:
        example = f" (such as {parameter.example})" if parameter.example else ""
        sys.stderr.write(f"{vendor.display_name}, {parameter.label}{example}: ")
        sys.stderr.flush()
        typed = sys.stdin.readline().strip()
    if not typed:
        raise InvalidRequest(f"{vendor.display_name} needs its {parameter.label}")
    return typed


def credential(vendor: Vendor | None, given: str | None) -> str | None:
    """Never from anywhere that shows it: an option, standard input, the vendor's variable, a prompt without echo."""
    given = read_key(given)
    if given or vendor is None:
        return given
    found = found_vendor_keys(vendor.env_keys)
    if found:
        variable, secret = next(iter(found.items()))
        sys.stderr.write(f"Using the key in {variable}.\n")
        return secret.get_secret_value()
    return _asked_key(vendor) if vendor.needs_credential else None


def read_key(given: str | None) -> str | None:
    if given == STDIN:
        return _stdin_line("--api-key -")
    if given is not None and given.startswith("--"):
        raise InvalidRequest("--api-key has no value; give - to read it from standard input")
    return given


def _stdin_line(option: str) -> str:
    line = sys.stdin.readline().strip()
    if not line:
        raise InvalidRequest(f"{option} found nothing on standard input")
    return line


def _asked_key(vendor: Vendor) -> str:
    if not sys.stdin.isatty():
        variables = f", or set {' or '.join(vendor.env_keys)}" if vendor.env_keys else ""
        raise InvalidRequest(f"{vendor.display_name} needs a credential: give it with --api-key -{variables}")
    typed = getpass.getpass(f"API key for {vendor.display_name} (not shown): ").strip()
    if not typed:
        raise InvalidRequest(f"{vendor.display_name} needs a credential")
    return typed
