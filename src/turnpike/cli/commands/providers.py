"""`turnpike providers`: add, list, test, set-key, sync-models."""

import sys
from typing import Annotated, Any
from urllib.parse import urlsplit

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell, field
from turnpike.cli.provider_options import NO_DIFFERENCES, Differences
from turnpike.cli.registration import MODELS, PROVIDERS, NewModel, NewProvider, register
from turnpike.cli.registration import sync_models as sync
from turnpike.cli.tasks import with_control
from turnpike.cli.values import words
from turnpike.cli.vendor_values import credential, find_vendor, vendor_values
from turnpike.errors import InvalidRequest, NotFound
from turnpike.wire.parameters import secret_names
from turnpike.wire.vendor import Vendor
from turnpike.wire.vendors import VENDORS

LOOPBACK = "127.0.0.1"

ProviderName = Annotated[str, Parameter(help="Slug, name or id, as `providers list` shows them.")]
VendorName = Annotated[str, Parameter(help=f"Whose API it speaks: {', '.join(VENDORS)}.")]
ApiKey = Annotated[
    str | None,
    Parameter(
        allow_leading_hyphen=True,
        help="Its credential; - reads it from standard input, which keeps it out of the shell's history. "
        "Default: the vendor's variable (OPENAI_API_KEY, ...), else you are asked.",
    ),
]
ParameterValues = Annotated[
    list[str] | None,
    Parameter(
        name="--set",
        negative="",
        help="A parameter of its vendor (`providers vendors` lists them): NAME=VALUE; NAME=- reads standard input, "
        "NAME=@FILE a file. Default: the vendor's variable, else you are asked.",
    ),
]
Networks = Annotated[
    list[str] | None,
    Parameter(
        negative="",
        help="Networks (CIDR) that it may be reached at although they are not public: 127.0.0.1/32, 10.0.0.0/8.",
    ),
]
ModelNames = Annotated[
    list[str] | None,
    Parameter(
        negative="",
        help="Models to register. A name is taken as it is; with a * it picks from the provider's list. "
        "Default: all that the provider lists.",
    ),
]
Capabilities = Annotated[
    list[str] | None,
    Parameter(
        negative="",
        help="What the models named can do: chat, embeddings, ... Default: embeddings where the name says so, "
        "else chat.",
    ),
]


def add(
    vendor: VendorName,
    /,
    *,
    name: Annotated[str | None, Parameter(help="What it is called here. Default: the vendor's name.")] = None,
    base_url: Annotated[
        str | None,
        Parameter(help="Its address with the version prefix: https://models.example.com/v1. Default: the vendor's."),
    ] = None,
    api_key: ApiKey = None,
    settings: ParameterValues = None,
    allow_address: Networks = None,
    model: ModelNames = None,
    capability: Capabilities = None,
    differences: Differences = NO_DIFFERENCES,
    common: Common = DEFAULT,
) -> None:
    """Register a provider and its models."""
    facts = find_vendor(vendor)
    if facts.base_url is None and base_url is None:
        raise InvalidRequest(f"{facts.display_name} has no address of its own; give --base-url https://HOST/v1")
    names, patterns = split_models(words(model))
    values = vendor_values(facts, api_key, settings)
    wish = NewProvider(
        vendor=facts.name,
        name=name or facts.display_name,
        slug=facts.name if name is None else None,
        base_url=base_url,
        api_key=values.api_key,
        parameters=values.parameters,
        config=differences.config(),
        allow_addresses=tuple(words(allow_address)) or _own_loopback(facts, base_url),
        models=tuple(NewModel(one, capabilities_of(one, words(capability))) for one in names),
        listed=patterns if patterns or not names else None,
    )

    async def work(control: Control) -> None:
        done = await register(control, wish)
        slug = done.provider["slug"]
        said = f"Registered [bold]{slug}[/bold] with {count_of(done.models)}."
        if done.problem is not None:
            said = (
                f"Registered [bold]{slug}[/bold], but not its models: {cell(done.problem)}\n"
                f"Try again with: turnpike providers sync-models {slug}"
            )
        if done.untested is not None:
            said += f"\nIts credential does not work: {cell(done.untested)}"
        shown = {**done.provider, "models": done.models, "problem": done.problem, "untested": done.untested}
        Output(common).result(shown, said)

    with_control(common, work)


def split_models(models: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Names, and patterns for the provider's own list."""
    return [one for one in models if "*" not in one], tuple(one for one in models if "*" in one)


def capabilities_of(name: str, given: list[str]) -> tuple[str, ...]:
    if given:
        return tuple(given)
    return ("embeddings",) if "embed" in name.lower() else ("chat",)


def count_of(models: int) -> str:
    return "1 model" if models == 1 else f"{models} models"


def _own_loopback(vendor: Vendor, base_url: str | None) -> tuple[str, ...]:
    """Who adds Ollama without an address means the one on this machine, which needs no second word."""
    own = urlsplit(vendor.base_url or "").hostname
    return (f"{LOOPBACK}/32",) if base_url is None and own == LOOPBACK else ()


def set_key(provider: ProviderName, /, *, api_key: ApiKey = None, common: Common = DEFAULT) -> None:
    """Give a provider another credential, at work within a second."""

    async def work(control: Control) -> None:
        found = await find_provider(control, provider)
        facts = VENDORS.get(found["vendor"])
        if api_key is None and facts is not None and secret_names(facts):
            raise InvalidRequest(f"the credential has parts: turnpike providers change {found['slug']} --set NAME=-")
        secret = credential(facts, api_key) or ""
        if not secret:
            raise InvalidRequest("give the credential with --api-key -, on standard input")
        shown = (await control.patch(f"{PROVIDERS}/{found['id']}", {"shared_api_key": secret})).data
        Output(common).result(shown, f"{found['slug']} has the credential {cell(shown['shared_api_key'])} now.")

    with_control(common, work)


def list_providers(*, common: Common = DEFAULT) -> None:
    """List providers."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(PROVIDERS),
            (
                ("PROVIDER", field("slug")),
                ("NAME", field("display_name")),
                ("VENDOR", field("vendor")),
                ("ADDRESS", field("api_base_url")),
                ("CREDENTIAL", field("shared_api_key")),
                ("ACTIVE", field("is_active")),
            ),
            empty="No provider yet: turnpike providers add VENDOR",
        )

    with_control(common, work)


def check(provider: ProviderName, /, *, common: Common = DEFAULT) -> int:
    """Ask a provider whether address and credential work."""

    async def work(control: Control) -> int:
        found = await find_provider(control, provider)
        result = (await control.post(f"{PROVIDERS}/{found['id']}/test")).data
        works = bool(result["ok"])
        listed = f", listing {count_of(result['models'])}" if result.get("models") is not None else ""
        if not result.get("credential_tested", True):
            listed += " to anybody: its credential was not tested"
        said = f"answers in {result['elapsed_ms']} ms{listed}" if works else f"fails: {result['error']}"
        Output(common).result(result, f"{found['slug']} {cell(said)}.")
        return 0 if works else 1

    return with_control(common, work)


def sync_models(provider: ProviderName, /, *, common: Common = DEFAULT) -> None:
    """Read a provider's list of models into the catalog."""

    async def work(control: Control) -> None:
        found = await find_provider(control, provider)
        count = await sync(control, found["id"])
        Output(common).result({"provider": found["slug"], "models": count}, f"{found['slug']} has {count_of(count)}.")

    with_control(common, work)


def remove(
    provider: ProviderName,
    /,
    *,
    yes: Annotated[bool, Parameter(negative="", show_default=False, help="Do not ask.")] = False,
    common: Common = DEFAULT,
) -> int:
    """Take a provider away, with its models and credentials."""

    async def work(control: Control) -> int:
        found = await find_provider(control, provider)
        models = len(await control.rows(MODELS, provider=found["slug"]))
        if not yes and not _confirmed(f"Remove {found['slug']} with {count_of(models)} and its credentials?"):
            return 1
        await control.delete(f"{PROVIDERS}/{found['id']}")
        Output(common).result({"provider": found["slug"], "models": models}, f"Removed {found['slug']}.")
        return 0

    return with_control(common, work)


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise InvalidRequest("nobody can be asked here; say --yes if you mean it")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


async def find_provider(control: Control, text: str) -> dict[str, Any]:
    """Raises NotFound that names those there are."""
    rows = await control.rows(PROVIDERS)
    for row in rows:
        if text in (row["id"], row["slug"], row.get("name"), row.get("display_name")):
            return row
    there = ", ".join(str(row["slug"]) for row in rows) or "none is registered"
    raise NotFound(f"no provider {text!r}; there is: {there}")
