"""Options of `turnpike providers` that say how a provider differs from its vendor: its `config`, without a file."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Group, Parameter

from turnpike.cli.values import words
from turnpike.errors import InvalidRequest

_DIFFERENT = Group("Where it differs from its vendor", sort_key=900)


@Parameter(name="*")
@dataclass(frozen=True)
class Differences:
    auth_header: Annotated[
        str | None, Parameter(group=_DIFFERENT, help="Header that carries the credential: api-key. Empty: none does.")
    ] = None
    auth_prefix: Annotated[
        str | None, Parameter(group=_DIFFERENT, help="What stands before the credential in it: 'Bearer '.")
    ] = None
    header: Annotated[
        list[str] | None,
        Parameter(group=_DIFFERENT, negative="", help="Sent with every request: NAME=VALUE. No secrets."),
    ] = None
    operation: Annotated[
        list[str] | None,
        Parameter(
            group=_DIFFERENT,
            negative="",
            help="What it can do, in which dialect, at which path below its base URL: "
            "chat=openai_chat:/chat/completions. {model} in a path is the model's name there.",
        ),
    ] = None
    models_path: Annotated[str | None, Parameter(group=_DIFFERENT, help="Where it lists its models: /models.")] = None
    models_format: Annotated[str | None, Parameter(group=_DIFFERENT, help="Whose form that list has.")] = None
    price_provider: Annotated[
        str | None, Parameter(group=_DIFFERENT, help="Whose prices it has: a provider's id in genai-prices.")
    ] = None
    quirk: Annotated[
        list[str] | None,
        Parameter(group=_DIFFERENT, negative="", help="A way in which its API differs (docs/providers.md)."),
    ] = None
    health_check: Annotated[
        float | None,
        Parameter(
            group=_DIFFERENT,
            help="Seconds between two active health checks, which ask for something that costs nothing; 0: none.",
        ),
    ] = None

    def config(self) -> dict[str, Any]:
        """The part of a provider's `config` that the options say. Raises InvalidRequest."""
        auth = {name: value for name, value in (("header", self.auth_header), ("prefix", self.auth_prefix))
                if value is not None}  # fmt: skip
        given = {
            "auth": auth,
            "headers": dict(_pair("--header", one) for one in self.header or ()),
            "operations": _operations(self.operation or ()),
            "models_path": self.models_path,
            "models_format": self.models_format,
            "price_provider": self.price_provider,
            "quirks": words(self.quirk),
        }
        config = {name: value for name, value in given.items() if value}
        if self.health_check is not None:
            config["health_check_s"] = self.health_check or None
        return config


NO_DIFFERENCES = Differences()


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InvalidRequest(f"{option} takes NAME=VALUE")
    return name.strip(), value.strip()


def _operations(texts: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for text in texts:
        name, rest = _pair("--operation", text)
        dialect, colon, path = rest.partition(":")
        if not colon:
            raise InvalidRequest("--operation takes OPERATION=DIALECT:PATH, such as chat=openai_chat:/chat/completions")
        found.setdefault(name, []).append({"dialect": dialect.strip(), "path": path.strip()})
    return found
