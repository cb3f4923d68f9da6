"""`turnpike providers`: add, list, test, set-key, sync-models."""

import getpass
import sys
from typing import Annotated, Any
from urllib.parse import urlsplit

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell, field
from turnpike.cli.registration import MODELS, PROVIDERS, NewModel, NewProvider, register
from turnpike.cli.registration import sync_models as sync
from turnpike.cli.tasks import with_control
from turnpike.cli.values import words
from turnpike.errors import InvalidRequest, NotFound
from turnpike.settings import found_vendor_keys
from turnpike.wire.vendor import Vendor
from turnpike.wire.vendors import VENDORS

CUSTOM = "openai_compatible"
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
    allow_address: Networks = None,
    model: ModelNames = None,
    capability: Capabilities = None,
    common: Common = DEFAULT,
) -> None:
    """Register a provider and its models."""
    facts = _vendor(vendor)
    if facts.base_url is None and base_url is None:
        raise InvalidRequest(f"{facts.display_name} has no address of its own; give --base-url https://HOST/v1")
    names, patterns = split_models(words(model))
    wish = NewProvider(
        vendor=facts.name,
        name=name or facts.display_name,
        slug=facts.name if name is None else None,
        base_url=base_url,
        api_key=_credential(facts, api_key),
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
        Output(common).result({**done.provider, "models": done.models, "problem": done.problem}, said)

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


def _vendor(name: str) -> Vendor:
    """Raises InvalidRequest that names the vendors there are."""
    found = VENDORS.get(name.lower().replace("-", "_"))
    if found is None:
        raise InvalidRequest(
            f"{name!r} is no vendor; take one of {', '.join(VENDORS)}: {CUSTOM} with --base-url for any API that "
            "follows OpenAI's"
        )
    return found


def _own_loopback(vendor: Vendor, base_url: str | None) -> tuple[str, ...]:
    """Who adds Ollama without an address means the one on this machine, which needs no second word."""
    own = urlsplit(vendor.base_url or "").hostname
    return (f"{LOOPBACK}/32",) if base_url is None and own == LOOPBACK else ()


def _credential(vendor: Vendor | None, given: str | None) -> str | None:
    """Never from anywhere that shows it: an option, standard input, the vendor's variable, a prompt without echo."""
    if given == "-":
        given = sys.stdin.readline().strip()
        if not given:
            raise InvalidRequest("--api-key - found nothing on standard input")
    if given is not None and given.startswith("--"):
        raise InvalidRequest("--api-key has no value; give - to read it from standard input")
    if given or vendor is None:
        return given
    found = found_vendor_keys(vendor.env_keys)
    if found:
        variable, secret = next(iter(found.items()))
        sys.stderr.write(f"Using the key in {variable}.\n")
        return secret.get_secret_value()
    return _asked(vendor) if vendor.needs_credential else None


def _asked(vendor: Vendor) -> str:
    if not sys.stdin.isatty():
        variables = f", or set {' or '.join(vendor.env_keys)}" if vendor.env_keys else ""
        raise InvalidRequest(f"{vendor.display_name} needs a credential: give it with --api-key -{variables}")
    typed = getpass.getpass(f"API key for {vendor.display_name} (not shown): ").strip()
    if not typed:
        raise InvalidRequest(f"{vendor.display_name} needs a credential")
    return typed


def set_key(provider: ProviderName, /, *, api_key: ApiKey = None, common: Common = DEFAULT) -> None:
    """Give a provider another credential, at work within a second."""

    async def work(control: Control) -> None:
        found = await find_provider(control, provider)
        facts = VENDORS.get(found["vendor"])
        secret = _credential(facts, api_key) or ""
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
