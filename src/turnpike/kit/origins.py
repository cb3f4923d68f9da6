"""Web origins (RFC 6454) that a browser's scripts may come from: written exactly, with a wildcard for subdomains, or
as `*` for any."""

import re
from collections.abc import Iterable

_ORIGIN = re.compile(r"(https?)://(\*\.)?((?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")
ANY = "*"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def origin_rule(text: str) -> str:
    """The rule as it is compared. Raises ValueError for what is neither an origin nor a wildcard of one."""
    rule = text.strip().lower()
    if rule == ANY:
        return rule
    found = _ORIGIN.fullmatch(rule)
    if found is None:
        raise ValueError(
            f"{text[:100]!r} is no origin; write https://app.example.com, https://*.example.com, or * for any"
        )
    scheme, wildcard, host, port = found.groups(default="")
    return f"{scheme}://{wildcard}{host}{'' if port == _DEFAULT_PORTS[scheme] else port}"


class Origins:
    """`rules` as `origin_rule` gives them."""

    def __init__(self, rules: Iterable[str]) -> None:
        rules = tuple(rules)
        self.any = ANY in rules
        self.exact = frozenset(rule for rule in rules if "*" not in rule)
        self._below = tuple(rule.split("*", 1) for rule in rules if "*." in rule)

    def has_exactly(self, origin: str) -> bool:
        return origin in self.exact

    def has(self, origin: str) -> bool:
        """`origin` in lower case."""
        return origin in self.exact or self.any or any(self._is_below(origin, *rule) for rule in self._below)

    @staticmethod
    def _is_below(origin: str, scheme: str, suffix: str) -> bool:
        """`https://a.b.example.com` is below `https://*.example.com`, `https://example.com` is not."""
        middle = origin[len(scheme) : len(origin) - len(suffix)]
        return (
            origin.startswith(scheme) and origin.endswith(suffix) and re.fullmatch(r"[a-z0-9_.-]+", middle) is not None
        )
