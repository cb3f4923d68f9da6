"""What this machine already has: vendors' keys in the environment, model servers on loopback. Looks, and no more."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr

from turnpike.cli.registration import NewProvider
from turnpike.settings import found_vendor_keys
from turnpike.wire.vendor import Vendor

LOOPBACK = "127.0.0.1"
PROBE_TIMEOUT_S = 0.3


@dataclass(frozen=True)
class Offer:
    """A provider that could be registered."""

    id: str
    """What stays the same from start to start: `openai:OPENAI_API_KEY`, `ollama:11434`. No secret."""
    title: str
    where: str
    provider: NewProvider
    command: str
    """What registers it by hand, after `turnpike `."""


def offers_from_environment(vendors: Iterable[Vendor]) -> list[Offer]:
    """One a vendor, even where it has several variables."""
    vendors = tuple(vendors)
    found = found_vendor_keys(name for vendor in vendors for name in (*vendor.env_keys, *_parameter_keys(vendor)))
    offers: list[Offer] = []
    for vendor in vendors:
        name = next((name for name in vendor.env_keys if name in found), None)
        # A key for a server of one's own says nothing of whether it runs: that is asked on loopback.
        values = _parameters(vendor, found)
        if name is not None and values is not None and vendor.base_url is not None and not vendor.loopback_ports:
            offers.append(_keyed(vendor, name, found[name], values))
    return offers


def _parameter_keys(vendor: Vendor) -> Iterable[str]:
    return (name for parameter in vendor.parameters for name in parameter.env_keys)


def _parameters(vendor: Vendor, found: Mapping[str, SecretStr]) -> dict[str, str] | None:
    """None when one that must be given is not there."""
    values: dict[str, str] = {}
    for parameter in vendor.parameters:
        name = next((name for name in parameter.env_keys if name in found), None)
        if name is not None:
            values[parameter.name] = found[name].get_secret_value()
        elif parameter.default is None:
            return None
    return values


def _keyed(vendor: Vendor, variable: str, key: SecretStr, parameters: dict[str, str]) -> Offer:
    wish = NewProvider(
        vendor=vendor.name,
        name=vendor.display_name,
        slug=vendor.name,
        api_key=key.get_secret_value(),
        parameters=parameters,
    )
    return Offer(
        id=f"{vendor.name}:{variable}",
        title=vendor.display_name,
        where=f"key in {variable}",
        provider=wish,
        command=f"providers add {vendor.name}",
    )


async def offers_from_loopback(vendors: Iterable[Vendor], own_ports: Iterable[int]) -> list[Offer]:
    """Servers that answer as themselves at their standard port, asked all at once."""
    not_ours = set(own_ports)
    wanted = [(vendor, port) for vendor in vendors for port in vendor.loopback_ports if port not in not_ours]
    # No proxy: loopback is this machine.
    async with httpx2.AsyncClient(timeout=PROBE_TIMEOUT_S, trust_env=False, follow_redirects=False) as http:
        answers = await asyncio.gather(*(_is_there(http, vendor, port) for vendor, port in wanted))
    offers: dict[int, Offer] = {}
    for (vendor, port), there in zip(wanted, answers, strict=True):
        if there:
            offers.setdefault(port, _local(vendor, port))
    return list(offers.values())


async def _is_there(http: httpx2.AsyncClient, vendor: Vendor, port: int) -> bool:
    if vendor.probe_path is None:
        return False
    try:
        response = await http.get(f"http://{LOOPBACK}:{port}{vendor.probe_path}")
    except httpx2.HTTPError:
        return False  # nobody there, or somebody who speaks something else
    return response.status_code == 200 and (vendor.probe_contains or "") in response.text


def local_base_url(vendor: Vendor, port: int) -> str:
    """The vendor's own path prefix at a port of this machine."""
    path = urlsplit(vendor.base_url).path if vendor.base_url else "/v1"
    return f"http://{LOOPBACK}:{port}{path.rstrip('/')}"


def _local(vendor: Vendor, port: int) -> Offer:
    base_url = local_base_url(vendor, port)
    key = next(iter(found_vendor_keys(vendor.env_keys).values()), None)
    wish = NewProvider(
        vendor=vendor.name,
        name=vendor.display_name,
        slug=vendor.name,
        base_url=base_url,
        api_key=key.get_secret_value() if key else None,
        allow_addresses=(f"{LOOPBACK}/32",),
    )
    return Offer(
        id=f"{vendor.name}:{port}",
        title=vendor.display_name,
        where=f"at {LOOPBACK}:{port}",
        provider=wish,
        command=f"providers add {vendor.name} --base-url {base_url} --allow-address {LOOPBACK}/32",
    )
