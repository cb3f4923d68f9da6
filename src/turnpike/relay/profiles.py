"""Callers who are alike share a profile, and with it the plans of every model that one of them has asked for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from weakref import WeakSet

from turnpike.contract.grants import KeyGrant
from turnpike.contract.routing.standing import Standing
from turnpike.contract.snapshot import ModelSpec
from turnpike.relay.endpoints import Route
from turnpike.relay.routing.plan import Plan

if TYPE_CHECKING:
    from turnpike.relay.catalog import Catalog

_INTERNED_AT_MOST = 10_000
_PLANS_AT_MOST = 20_000


class Profile(Standing):
    """What many callers have in common: role, allowed models, personal settings. Holds their plans."""

    __slots__ = ("__weakref__", "_profiles", "plans")

    def __init__(self, grant: KeyGrant, profiles: "Profiles") -> None:
        super().__init__(grant)
        self._profiles = profiles
        self.plans: dict[tuple[str, str], Plan] = {}
        """By the label of the route and model, for the catalog in force; see `make_plan`."""

    def make_plan(self, route: Route, model: str) -> Plan:
        """Raises what Catalog.plan raises; refusals are not remembered."""
        if len(self.plans) >= _PLANS_AT_MOST:
            self.plans.clear()
        assert route.endpoint is not None
        plan = self._profiles.catalog.plan(self, route.endpoint, model, route.provider)
        self.plans[route.label, model] = plan
        return plan

    def usable_models(self) -> Iterator[list[ModelSpec]]:
        return self._profiles.catalog.usable(self)

    def usable_routes(self) -> Iterator[tuple[str, list[ModelSpec]]]:
        return self._profiles.catalog.usable_routes(self)

    def usable_aliases(self) -> Iterator[tuple[str, list[ModelSpec]]]:
        return self._profiles.catalog.usable_aliases(self)


class Profiles:
    """Interns profiles, so that 50,000 cached keys of three kinds share three of them."""

    __slots__ = ("_all", "_interned", "catalog")

    def __init__(self, catalog: "Catalog") -> None:
        self.catalog = catalog
        self._interned: dict[tuple[object, ...], Profile] = {}
        self._all: WeakSet[Profile] = WeakSet()

    def replace(self, catalog: "Catalog") -> None:
        """Puts a catalog in force: every plan is made anew when it is next asked for."""
        self.catalog = catalog
        for profile in self._all:
            profile.plans.clear()

    def of(self, grant: KeyGrant) -> Profile:
        if grant.personal:
            # Personal settings belong to one person: sharing would keep their secrets longer than their keys.
            return self._make(grant)
        key = (grant.role, grant.models, grant.department_models, grant.default_provider)
        profile = self._interned.get(key)
        if profile is None:
            if len(self._interned) >= _INTERNED_AT_MOST:
                self._interned.clear()
            profile = self._interned[key] = self._make(grant)
        return profile

    def _make(self, grant: KeyGrant) -> Profile:
        profile = Profile(grant, self)
        self._all.add(profile)
        return profile
