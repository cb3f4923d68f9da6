"""The gate of the cache: behind limits and guards, before money. A hit takes a request of the limits and nothing of a
budget; a miss goes on and is kept.

What guards made of a request is what is asked. Where they watch answers too, one that they did not touch is kept for
callers under the very same guards, and its question is compared with no other.

A call is let through as if there were no cache when what becomes of its answer rests on the call itself (a guard puts
back what it took out of the prompt), when it has to do with objects that a provider stores, and when its request asks
for something that is good for one call only (turnpike.wire.caching).
"""

from typing import TYPE_CHECKING, cast

from turnpike.contract.caching import CacheRule, Sharing
from turnpike.kit.patterns import matches
from turnpike.relay.caching.asked import key_of, wants_of
from turnpike.relay.caching.lookup import Lookup, Scope, space_start
from turnpike.wire.caching import CACHEABLE, FACTS, Facts

if TYPE_CHECKING:
    from turnpike.relay.call import Call
    from turnpike.relay.catalog import Catalog
    from turnpike.relay.core import Relay
    from turnpike.relay.endpoints import Route
    from turnpike.relay.gates import Governed
    from turnpike.relay.keys import Entry
    from turnpike.relay.routing.plan import Plan


class CachingGate:
    __slots__ = ("_facts", "_scope")

    def __init__(self, rule: CacheRule, facts: Facts, tenant: str, route: "Route", model: str) -> None:
        """`tenant`: who shares answers. `model`: what the caller's word for it means."""
        self._facts = facts
        start = space_start(
            rule.id, str(rule.revision), tenant, route.dialect_name, route.operation, model, route.provider or ""
        )
        self._scope = Scope(rule, start, model)

    def enter(self, call: "Governed", /) -> bool:
        """Raises NotCached."""
        asking = cast("Call", call)
        if _is_about_objects(asking):
            return _pass_by(asking)
        start = self._scope.start
        for outlet in asking.outlets:
            rules = outlet.rules
            if rules is None:
                return _pass_by(asking)
            start = start.copy()
            start.update(b"rules\0" + rules)
        wants = wants_of(asking.head.header(b"cache-control"))
        key = key_of(asking, self._facts, start)
        if key is None:
            return _pass_by(asking)
        return Lookup(asking, self._scope, key, wants).begin()


def _is_about_objects(call: "Call") -> bool:
    """Some paths are always looked at for objects: there the body alone says whether it names or makes one, and
    turnpike.wire.caching asks it."""
    watched = call.route.watched
    return call.stored is not None and not (watched is not None and watched.always)


def _pass_by(call: "Call") -> bool:
    call.relay.answers.counts["bypass"] += 1
    call.extra_headers += b"x-turnpike-cache: bypass\r\n"
    return True


def build(relay: "Relay", entry: "Entry", route: "Route", plan: "Plan") -> CachingGate | None:
    """None for callers and models that no rule covers."""
    if not relay.answers.caching.rules or not route.is_call or route.operation not in CACHEABLE:
        return None
    facts = FACTS.get(route.dialect_name)
    if facts is None:
        return None
    model = meant(relay.catalog, plan.model)
    rule = relay.answers.rule_for(entry.caller, (plan.model, model), matches)
    return None if rule is None else CachingGate(rule, facts, tenant_of(rule, entry), route, model)


def meant(catalog: "Catalog", name: str) -> str:
    """The model's own name, where a word means all of its deployments; else the word."""
    rows = catalog.names.meant(name)
    own = rows[0].name if rows else name
    return own if catalog.names.rows.get(own) == rows else name


def tenant_of(rule: CacheRule, entry: "Entry") -> str:
    """Who may be given the same answers, as text that no other tenant has."""
    caller = entry.caller
    if rule.sharing == Sharing.GATEWAY:
        return "gateway"
    if rule.sharing == Sharing.DEPARTMENT and caller.department_id is not None:
        return f"department:{caller.department_id}"
    return f"user:{caller.user_id}"
