"""Addresses as they come from sockets and headers, and sets of networks that they may or may not lie in."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_COUNTED_PREFIX = 64
"""One household or machine has a whole network of this size: counting its addresses singly would count nothing."""


def address_in(text: str) -> Address | None:
    """The address that a socket or a header names: with a port or a zone, in brackets or quotes, IPv4 mapped into
    IPv6. None: it is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def plain_address(text: str) -> str:
    """A socket's peer as it is compared and shown: IPv4 as such, no zone. What is no address stays as it is."""
    if ":" not in text:
        return text
    address = address_in(text)
    return text if address is None else str(address)


def network_in(text: str) -> Network:
    """A network written as CIDR or as a single address; IPv4 mapped into IPv6 is IPv4. Raises ValueError."""
    network = ip_network(text.strip(), strict=False)
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is not None and network.prefixlen >= 96:
        return IPv4Network((mapped, network.prefixlen - 96), strict=False)
    return network


@dataclass(frozen=True)
class Networks:
    """Who may come in: nobody from `denied`; where `allowed` names any, only those. What is denied stays denied."""

    allowed: tuple[Network, ...] = ()
    denied: tuple[Network, ...] = ()

    @classmethod
    def of(cls, allowed: Iterable[str], denied: Iterable[str] = ()) -> Self:
        """Raises ValueError for what is no network."""
        return cls(tuple(map(network_in, allowed)), tuple(map(network_in, denied)))

    def __bool__(self) -> bool:
        return bool(self.allowed or self.denied)

    def allow(self, address: Address) -> bool:
        if any(address in network for network in self.denied):
            return False
        return not self.allowed or any(address in network for network in self.allowed)


def counted_address(text: str) -> str:
    """As callers are counted: an IPv4 address itself; of an IPv6 address its /64 network. Text that is no address is
    returned as it is."""
    address = address_in(text)
    if address is None:
        return text
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _COUNTED_PREFIX), strict=False))
    return str(address)
