"""Which network addresses an outgoing connection may reach: the guard against server-side request forgery.

Asked with the address that a connection is really made to, at the moment it is made, so that neither a host name, a
redirect nor a second DNS answer gets around it. Sources: the IANA special-purpose registries (RFC 6890, through
`ipaddress`), RFC 6598 (CGNAT), RFC 3056 (6to4), RFC 6052 and 8215 (NAT64), RFC 4380 (Teredo), and the address of each
large cloud's metadata service.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

METADATA: frozenset[Address] = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google, Oracle, DigitalOcean
        "169.254.170.2",  # AWS ECS task credentials
        "169.254.170.23",  # AWS EKS pod identity
        "169.254.169.123",  # AWS time
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle classic
        "168.63.129.16",  # Azure wire server
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",  # AWS EKS pod identity
        "fd20:ce::254",  # Google
    )
)
"""Never reachable, whatever an administrator allowed."""

_TRANSLATED: tuple[tuple[IPv6Network, int], ...] = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, well-known prefix
    (IPv6Network("2002::/16"), 80),  # 6to4: the IPv4 address follows the prefix
)
"""IPv6 networks that carry an IPv4 address, and how far right to shift to find it."""

_OTHERWISE_REFUSED: tuple[IPv6Network, ...] = (
    IPv6Network("64:ff9b:1::/48"),  # NAT64, local use
    IPv6Network("2001::/32"),  # Teredo
    IPv6Network("fec0::/10"),  # site-local, deprecated
)


def embedded_ipv4(address: Address) -> IPv4Address | None:
    """The IPv4 address inside a mapped, NAT64 or 6to4 address."""
    if isinstance(address, IPv4Address):
        return None
    for network, shift in _TRANSLATED:
        if address in network:
            return IPv4Address(int(address) >> shift & 0xFFFFFFFF)
    return None


class AddressPolicy:
    """Public addresses, and those networks that an administrator named."""

    __slots__ = ("_allowed",)

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Raises ValueError for what is no CIDR block or address."""
        self._allowed: tuple[Network, ...] = tuple(ip_network(text, strict=False) for text in allowed)

    def refusal(self, text: str) -> str | None:
        """Why this address may not be reached, or None when it may. Raises ValueError when it is no address."""
        address = ip_address(text.split("%", 1)[0])
        inner = embedded_ipv4(address)
        if address in METADATA or inner in METADATA:
            return f"{text} is a cloud metadata service, which is never reachable"
        if any(address in network for network in self._allowed):
            return None
        if inner is not None:
            # An operating system turns a mapped address into a plain IPv4 connection: the same rules hold for it.
            if address in _TRANSLATED[0][0]:
                return self.refusal(str(inner))
            return f"{text} is a translated address (of {inner})"
        if address.is_loopback:
            return f"{text} is a loopback address"
        if address.is_link_local:
            return f"{text} is a link-local address"
        refused = isinstance(address, IPv6Address) and any(address in network for network in _OTHERWISE_REFUSED)
        if refused or not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
            return f"{text} is not a public address"
        return None
