"""Which rules of the snapshot are whose."""

from collections import defaultdict
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from turnpike.contract.limits import ANY, LimitRule, Subject
from turnpike.kit.patterns import matches

_REMEMBERED_AT_MOST = 20_000
_REPLACES_TIER = (Subject.KEY, Subject.USER, Subject.DEPARTMENT)


class RuleBook:
    """The snapshot's rules, by whom they concern."""

    def __init__(self, rules: Iterable[LimitRule] = ()) -> None:
        self._named: defaultdict[tuple[str, str], list[LimitRule]] = defaultdict(list)
        """By subject and name: tiers, departments, operations, the gateway."""
        self._models: list[LimitRule] = []
        self._networks: list[tuple[IPv4Network | IPv6Network | None, LimitRule]] = []
        self._of_address: dict[str, tuple[LimitRule, ...]] = {}
        for rule in rules:
            if rule.subject == Subject.MODEL:
                self._models.append(rule)
            elif rule.subject == Subject.IP:
                self._networks.append((None if rule.name == ANY else ip_network(rule.name, strict=False), rule))
            else:
                self._named[rule.subject, rule.name].append(rule)

    @property
    def is_empty(self) -> bool:
        return not (self._named or self._models or self._networks)

    @property
    def has_addresses(self) -> bool:
        return bool(self._networks)

    def of_caller(
        self,
        own: tuple[LimitRule, ...],
        tier: str,
        department_id: str | None,
        names: Iterable[str],
        doing: Iterable[str],
    ) -> list[LimitRule]:
        """The rules for a caller's calls. `own`: of its key and its user; `names`: what the model is called; `doing`:
        the operation and the endpoint.

        A rule of the key, its user or its department replaces the tier's for the same resource and window; of all
        others every one counts.
        """
        names, doing = tuple(names), tuple(doing)
        rules = [*own, *self._named.get((Subject.DEPARTMENT, department_id or ""), ())]
        rules = [rule for rule in rules if applies(rule, names, doing)]
        replaced = {rule.counts for rule in rules if rule.subject in _REPLACES_TIER}
        of_tier = self._named.get((Subject.TIER, tier), ())
        rules += [rule for rule in of_tier if rule.counts not in replaced and applies(rule, names, doing)]
        rules += [rule for rule in self._models if _names(rule.name, names) and applies(rule, names, doing)]
        for what in doing:
            rules += [rule for rule in self._named.get((Subject.OPERATION, what), ()) if applies(rule, names, doing)]
        rules += [rule for rule in self._named.get((Subject.GATEWAY, ""), ()) if applies(rule, names, doing)]
        return rules

    def of_address(self, address: str) -> tuple[LimitRule, ...]:
        """The rules for an address, whoever calls from it: the narrowest network's for each resource and window."""
        if not self._networks:
            return ()
        rules = self._of_address.get(address)
        if rules is None:
            if len(self._of_address) >= _REMEMBERED_AT_MOST:
                self._of_address.clear()
            rules = self._of_address[address] = tuple(self._find(address))
        return rules

    def _find(self, text: str) -> list[LimitRule]:
        try:
            address = ip_address(text)
        except ValueError:
            address = None
        found: dict[object, tuple[int, LimitRule]] = {}
        for network, rule in self._networks:
            if network is None:
                width = -1
            elif address is not None and address in network:
                width = network.prefixlen
            else:
                continue
            if rule.counts not in found or width > found[rule.counts][0]:
                found[rule.counts] = (width, rule)
        return [rule for _, rule in found.values()]


def applies(rule: LimitRule, names: tuple[str, ...], doing: tuple[str, ...]) -> bool:
    """Whether a call is of the model and operation that a rule is narrowed to."""
    if rule.model and not _names(rule.model, names):
        return False
    return not rule.operation or rule.operation in doing


def _names(pattern: str, names: tuple[str, ...]) -> bool:
    return any(matches(pattern, name) for name in names)
