"""Addresses of callers, as they are counted."""

from ipaddress import IPv6Address, ip_address, ip_network

_IPV6_PREFIX = 64
"""One household or machine has a whole network of this size: counting its addresses singly would count nothing."""


def counted_address(text: str) -> str:
    """An IPv4 address itself; of an IPv6 address its /64 network. Text that is no address is returned as it is."""
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if not isinstance(address, IPv6Address):
        return text
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _IPV6_PREFIX), strict=False))
