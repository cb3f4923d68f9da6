"""`turnpike providers vendors` and `change`: what vendors need, and a provider's own values of it."""

from typing import Annotated

import msgspec
from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.providers import Networks, ParameterValues, ProviderName, find_provider
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, field
from turnpike.cli.provider_options import NO_DIFFERENCES, Differences
from turnpike.cli.registration import PROVIDERS
from turnpike.cli.tasks import with_control
from turnpike.cli.values import words
from turnpike.cli.vendor_values import parsed_settings
from turnpike.errors import InvalidRequest
from turnpike.wire.vendors import VENDORS


def change(
    provider: ProviderName,
    /,
    *,
    base_url: Annotated[str | None, Parameter(help="Its address.")] = None,
    settings: ParameterValues = None,
    allow_address: Networks = None,
    active: Annotated[bool | None, Parameter(help="Whether it is used at all.")] = None,
    differences: Differences = NO_DIFFERENCES,
    common: Common = DEFAULT,
) -> None:
    """Change a provider; what is not named stays."""

    async def work(control: Control) -> None:
        found = await find_provider(control, provider)
        config = differences.config()
        given = {
            "api_base_url": base_url,
            "parameters": parsed_settings(VENDORS.get(found["vendor"]), settings) or None,
            "allow_addresses": words(allow_address) or None,
            "is_active": active,
            "config": {**found["config"], **config} if config else None,
        }
        wish = {name: value for name, value in given.items() if value is not None}
        if not wish:
            raise InvalidRequest("name what to change (see --help)")
        shown = (await control.patch(f"{PROVIDERS}/{found['id']}", wish)).data
        Output(common).result(shown, f"Changed {found['slug']}: {', '.join(wish)}.")

    with_control(common, work)


def list_vendors(*, common: Common = DEFAULT) -> None:
    """List the vendors that can be added, and what each needs."""
    rows = [
        {
            "vendor": vendor.name,
            "name": vendor.display_name,
            "api_base_url": vendor.base_url,
            "needs_credential": vendor.needs_credential,
            "credential_from": list(vendor.env_keys),
            "parameters": [msgspec.to_builtins(parameter) for parameter in vendor.parameters],
            "operations": sorted(vendor.operations),
            "reference": vendor.reference,
            "exercised": vendor.exercised,
        }
        for vendor in VENDORS.values()
    ]
    Output(common).table(
        rows,
        (
            ("VENDOR", field("vendor")),
            ("NAME", field("name")),
            ("CREDENTIAL FROM", lambda row: ", ".join(row["credential_from"])),
            ("PARAMETERS", lambda row: ", ".join(each["name"] for each in row["parameters"])),
            ("OPERATIONS", lambda row: ", ".join(row["operations"])),
        ),
        empty="No vendor is known.",
    )
