"""Which plan a call has, where that depends on the call: on a route's rules, a roll-out's share, or policies of
residency. Each plan is made once and remembered."""

from typing import TYPE_CHECKING

from turnpike.contract.routes import Conditions, Need, RouteSpec, Rule
from turnpike.contract.routing.conditions import Facts, needed, rule_for, unmet
from turnpike.contract.routing.hashing import in_share
from turnpike.errors import PolicyRefused
from turnpike.wire.estimate import tokens_of_bytes

if TYPE_CHECKING:
    from turnpike.contract.routing.residency import InForce
    from turnpike.relay.catalog import Catalog
    from turnpike.relay.profiles import Profile
    from turnpike.relay.routing.asked import Asked
    from turnpike.relay.routing.plan import Plan
    from turnpike.wire.operations import Endpoint

_REMEMBERED_AT_MOST = 10_000
_ALWAYS = Conditions()
_NO_RULE = -1


class Router:
    """Of one kind of caller, endpoint and name. `route` None: a plain model, under policies of residency."""

    __slots__ = (
        "_catalog", "_endpoint", "_name", "_only", "_plans", "_profile", "_residency", "_route", "_same", "_shares",
        "_slug",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - all that a plan is made of
        self,
        catalog: "Catalog",
        profile: "Profile",
        endpoint: "Endpoint",
        name: str,
        slug: str | None,
        route: RouteSpec | None,
    ) -> None:
        self._catalog = catalog
        self._residency = catalog.index.residency
        self._profile = profile
        self._endpoint = endpoint
        self._name = name
        self._slug = slug
        self._route = route
        self._only = None if route is None or route.rules[0].when != _ALWAYS else (0, route.rules[0])
        """The first rule, where every request meets it."""
        self._same: Plan | None = None
        """The plan, where it is the same for all."""
        self._plans: dict[tuple[int, bool, int], Plan] = {}
        self._shares: dict[tuple[int, str], bool] = {}

    def plan_for(self, call: "Asked") -> "Plan":
        """Raises what Catalog.plan raises, PolicyRefused where no rule of the route takes the call, Forbidden where a
        policy of residency leaves no deployment open."""
        if self._same is not None:
            return self._same
        policies = self._residency.of(call.entry.caller, call.head.tags)
        route = self._route
        place, rolled = _NO_RULE, False
        found = self._only
        if route is not None:
            found = found or rule_for(route, facts_of(call, self._endpoint.operation))
            if found is not None:
                place, rule = found
                rolled = rule.rollout is not None and self._in_share(call, route, place, rule)
        key = (place, rolled, id(policies))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._make(call, found[1] if found else None, policies, rolled=rolled)
            if not self._residency and self._only is not None and self._only[1].rollout is None:
                self._same = plan
        return plan

    def _make(self, call: "Asked", rule: Rule | None, policies: "InForce", *, rolled: bool) -> "Plan":
        catalog, profile, endpoint, route = self._catalog, self._profile, self._endpoint, self._route
        if route is None:
            return catalog.model_plan(profile, endpoint, self._name, self._slug, policies)
        if rule is not None:
            return catalog.rule_plan(profile, endpoint, self._name, route, rule, policies, rolled=rolled)
        if catalog.index.meant(self._name):
            # The route says nothing of this request: the model of that name serves it, as it would without one.
            return catalog.model_plan(profile, endpoint, self._name, None, policies)
        facts = facts_of(call, endpoint.operation)
        reasons = "; ".join(str(unmet(each.when, facts)) for each in route.rules)
        raise PolicyRefused(
            f"No rule of the route '{route.name}' takes this request ({reasons}).",
            details={"route": route.name, "param": "model"},
        )

    def _in_share(self, call: "Asked", route: RouteSpec, place: int, rule: Rule) -> bool:
        assert rule.rollout is not None
        caller = call.entry.caller
        who = caller.key_id if rule.rollout.by == "key" else caller.user_id
        known = self._shares.get((place, who))
        if known is None:
            if len(self._shares) >= _REMEMBERED_AT_MOST:
                self._shares.clear()
            known = self._shares[place, who] = in_share(route.name, who, rule.rollout.percent)
        return known


def facts_of(call: "Asked", operation: str) -> Facts:
    body = call.body
    caller = call.entry.caller

    def needs(need: Need) -> bool:
        return needed(body, need, streams=call.streams)

    return Facts(
        tags=call.head.tags,
        tier=call.entry.tier,
        department_id=caller.department_id,
        user_id=caller.user_id,
        key_id=caller.key_id,
        operation=operation,
        input_tokens=tokens_of_bytes(len(body)),
        needs=needs,
    )
