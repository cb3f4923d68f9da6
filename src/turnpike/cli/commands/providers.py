"""`turnpike providers`: add, list, test, sync-models."""

import getpass
import sys
from collections.abc import Iterable
from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, Row, field
from turnpike.cli.registration import PROVIDERS, NewModel, NewProvider, register
from turnpike.cli.registration import sync_models as sync
from turnpike.cli.tasks import with_control
from turnpike.cli.values import words
from turnpike.errors import InvalidRequest, NotFound
from turnpike.settings import found_vendor_keys
from turnpike.wire.vendor import Vendor
from turnpike.wire.vendors import VENDORS

ProviderName = Annotated[str, Parameter(name="PROVIDER", help="Slug, name or id, as `providers list` shows them.")]


def add(
    vendor: Annotated[str, Parameter(name="VENDOR", help=f"Whose API it speaks: {', '.join(sorted(VENDORS))}.")],
    *,
    name: Annotated[str | None, Parameter(help="What it is called here. Default: the vendor's name.")] = None,
    base_url: Annotated[
        str | None,
        Parameter(help="Its address with the version prefix: http://10.0.0.5:8000/v1. Default: the vendor's."),
    ] = None,
    api_key: Annotated[
        str | None,
        Parameter(
            help="Its credential; - reads it from standard input, which keeps it out of the shell's history. "
            "Default: the vendor's variable (OPENAI_API_KEY, ...), else you are asked."
        ),
    ] = None,
    allow_address: Annotated[
        list[str] | None,
        Parameter(
            negative="",
            help="Networks (CIDR) that it may be reached at although they are not public: 127.0.0.1/32, 10.0.0.0/8.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        Parameter(negative="", help="Models to register. Default: all that the provider lists."),
    ] = None,
    common: Common = DEFAULT,
) -> None:
    """Register a provider and its models.

    Lists may be repeated or separated by commas.

    For example:

        turnpike providers add openai
        turnpike providers add anthropic --api-key - --model claude-sonnet-4-5 < key.txt
        turnpike providers add vllm --base-url http://10.0.0.5:8000/v1 --allow-address 10.0.0.0/8
    """
    facts = _vendor(vendor)
    if facts.base_url is None and base_url is None:
        raise InvalidRequest(f"{facts.display_name} has no address of its own; give --base-url http://HOST:PORT/v1")
    wish = NewProvider(
        vendor=facts.name,
        name=name,
        base_url=base_url,
        api_key=_credential(facts, api_key),
        allow_addresses=tuple(words(allow_address)),
        models=tuple(NewModel(one) for one in words(model)),
    )

    async def work(control: Control) -> None:
        done = await register(control, wish)
        provider = done.provider
        output = Output(common)
        said = f"Registered [bold]{provider['slug']}[/bold] with {done.models} models."
        if done.problem is not None:
            said = (
                f"Registered [bold]{provider['slug']}[/bold], but its models could not be read: {done.problem}\n"
                f"Try again with: turnpike providers sync-models {provider['slug']}"
            )
        output.result({**provider, "models_registered": done.models, "problem": done.problem}, said)

    with_control(common, work)


def _vendor(name: str) -> Vendor:
    """Raises InvalidRequest that names the vendors there are."""
    found = VENDORS.get(name.lower())
    if found is None:
        raise InvalidRequest(
            f"{name!r} is no vendor; take one of {', '.join(sorted(VENDORS))} (a server that follows OpenAI's API: "
            "vllm, with --base-url)"
        )
    return found


def _credential(vendor: Vendor, given: str | None) -> str | None:
    """Never from anywhere that shows it: an option, standard input, the vendor's variable, a prompt without echo."""
    if given == "-":
        given = sys.stdin.readline().strip()
        if not given:
            raise InvalidRequest("--api-key - found nothing on standard input")
    if given:
        return given
    found = found_vendor_keys(vendor.env_keys)
    if found:
        variable, secret = next(iter(found.items()))
        sys.stderr.write(f"Using the key in {variable}.\n")
        return secret.get_secret_value()
    if not vendor.needs_credential:
        return None
    if not sys.stdin.isatty():
        variables = f" or set {' or '.join(vendor.env_keys)}" if vendor.env_keys else ""
        raise InvalidRequest(f"{vendor.display_name} needs a credential: give --api-key - on standard input{variables}")
    typed = getpass.getpass(f"API key for {vendor.display_name} (not shown): ").strip()
    if not typed:
        raise InvalidRequest(f"{vendor.display_name} needs a credential")
    return typed


def list_providers(*, common: Common = DEFAULT) -> None:
    """List providers.

    For example:

        turnpike providers list --json
    """

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(PROVIDERS),
            (
                ("PROVIDER", field("slug")),
                ("NAME", lambda row: row.get("display_name") or row.get("name")),
                ("VENDOR", field("vendor")),
                ("ADDRESS", field("api_base_url")),
                ("CREDENTIAL", credential_hint),
                ("ACTIVE", field("is_active")),
            ),
            empty="No provider yet: turnpike providers add VENDOR",
        )

    with_control(common, work)


def credential_hint(row: Row) -> object:
    """The masked shared credential, as control shows it."""
    hints: Any = row.get("credentials") or row.get("credential_hint") or row.get("credential")
    if isinstance(hints, Iterable) and not isinstance(hints, str):
        return [one.get("hint") if isinstance(one, dict) else one for one in hints]
    return hints


def check(provider: ProviderName, *, common: Common = DEFAULT) -> int:
    """Ask a provider whether address and credential work.

    The exit code is 1 when they do not.

    For example:

        turnpike providers test openai
    """

    async def work(control: Control) -> int:
        found = await find_provider(control, provider)
        result = (await control.post(f"{PROVIDERS}/{found['id']}/test")).data
        works = bool(result.get("ok", result.get("success")))
        problem = result.get("message") or result.get("error") or "no reason given"
        Output(common).result(result, f"{found['slug']} answers." if works else f"{found['slug']} fails: {problem}")
        return 0 if works else 1

    return with_control(common, work)


def sync_models(provider: ProviderName, *, common: Common = DEFAULT) -> None:
    """Read a provider's list of models into the catalog.

    New ones are added; what was changed by hand stays.

    For example:

        turnpike providers sync-models ollama
    """

    async def work(control: Control) -> None:
        found = await find_provider(control, provider)
        count = await sync(control, found["id"])
        Output(common).result({"provider": found["slug"], "models": count}, f"{found['slug']} has {count} models.")

    with_control(common, work)


async def find_provider(control: Control, text: str) -> dict[str, Any]:
    """Raises NotFound that names those there are."""
    rows = await control.rows(PROVIDERS)
    for row in rows:
        if text in (row["id"], row["slug"], row.get("name"), row.get("display_name")):
            return row
    there = ", ".join(str(row["slug"]) for row in rows) or "none is registered"
    raise NotFound(f"no provider {text!r}; there is: {there}")
