"""The snapshot, compiled for the fast path: for a caller and a model, the targets that may serve it.

Runtime state that must outlive a snapshot (breakers, connection pools, counters) is kept in `Backends` and `Pools`.
"""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

from turnpike.contract.access import AccessState
from turnpike.contract.routes import RouteSpec, Rule, StickyBy, Strategy
from turnpike.contract.routing.planning import Candidate, Index, Place, Stage, Survey, furthest, members, spoken
from turnpike.contract.routing.residency import InForce
from turnpike.contract.snapshot import CredentialSpec, ModelSpec, Snapshot
from turnpike.errors import (
    Forbidden,
    ModelForbidden,
    ModelNotFound,
    TurnpikeError,
    Unavailable,
    UnsupportedOperation,
)
from turnpike.relay.backend import Backends
from turnpike.relay.gates.memory import Remembered
from turnpike.relay.metrics import Metrics
from turnpike.relay.pools import Pools
from turnpike.relay.routing.plan import Plan, RoutedPlan, parted
from turnpike.relay.routing.router import Router
from turnpike.relay.target import Target
from turnpike.wire.operations import Endpoint, Operation

if TYPE_CHECKING:
    from turnpike.relay.profiles import Profile

_NAMED_AT_MOST = 5
_MATCHED_AT_MOST = 2_000
_TARGETS_AT_MOST = 50_000


class Catalog:
    """One snapshot, indexed."""

    __slots__ = (
        "_backends", "_metrics", "_pools", "_slugs", "_targets", "index", "names", "providers", "remembered",
        "snapshot",
    )  # fmt: skip

    def __init__(self, snapshot: Snapshot, backends: Backends, pools: Pools, metrics: Metrics):
        self.snapshot = snapshot
        self.index = Index(snapshot)
        self.providers = self.index.providers
        self._slugs = frozenset(provider.slug for provider in snapshot.providers)
        self.names = self.index.names
        self._backends = backends
        self._pools = pools
        self._metrics = metrics
        self._targets: dict[tuple[str, str, str, str], Target] = {}
        self.remembered = Remembered()
        """Gates of callers."""

    def plan(self, profile: "Profile", endpoint: Endpoint, name: str, slug: str | None = None) -> Plan:
        """`slug`: of the only provider that may serve it. Where routes or residency policies have a say the plan's
        router tells a call's own.

        Raises ModelNotFound, ModelForbidden, UnsupportedOperation or Forbidden, each saying what would be right.
        """
        route = self.index.route(name) if slug is None else None
        if route is None:
            plain = self.model_plan(profile, endpoint, name, slug, ())
            if not self.index.residency:
                return plain
        return Plan(name, [], [], Router(self, profile, endpoint, name, slug, route))

    def model_plan(
        self, profile: "Profile", endpoint: Endpoint, name: str, slug: str | None, residency: InForce
    ) -> Plan:
        """For a model that no route stands for."""
        found = Survey(self.index, profile, endpoint.operation, name, residency).model(slug)
        groups = self._groups(endpoint, found)
        if not groups:
            raise self._refusal(profile, endpoint, name, found)
        strategy = self.snapshot.policies.default_strategy
        if strategy is Strategy.WEIGHTED:
            return Plan(name, groups[0], [target for group in groups[1:] for target, _ in group])
        return RoutedPlan(name, groups, strategy, StickyBy.SESSION)

    def rule_plan(  # noqa: PLR0917 - all that has a say
        self,
        profile: "Profile",
        endpoint: Endpoint,
        name: str,
        route: RouteSpec,
        rule: Rule,
        residency: InForce,
        *,
        rolled: bool,
    ) -> Plan:
        """For one rule of a route."""
        survey = Survey(self.index, profile, endpoint.operation, name, residency)
        found = survey.rule(rule, rolled=rolled)
        own = self._groups(endpoint, [each for each in found if each.place is not Place.FALLBACK])
        others = self._groups(endpoint, [each for each in found if each.place is Place.FALLBACK], but=own)
        if not own and not others:
            raise self._refusal(profile, endpoint, name, found)
        copies = self._groups(endpoint, survey.mirror(rule))
        mirror = None
        if copies and rule.mirror is not None:
            mirror = (rule.mirror.percent / 100, Plan(name, copies[0], []))
        return RoutedPlan(name, own, rule.strategy, rule.sticky_by, others, route.name, mirror)

    def _groups(
        self, endpoint: Endpoint, found: list[Candidate], but: Sequence[list[tuple[Target, int]]] = ()
    ) -> list[list[tuple[Target, int]]]:
        """Targets of the candidates that are in, by priority, each once and none of `but`."""
        seen = {target for group in but for target, _ in group}
        groups: dict[int, list[tuple[Target, int]]] = {}
        for candidate in found:
            if candidate.out is not None:
                continue
            for target in self._targets_of(endpoint, candidate):
                if target not in seen:
                    seen.add(target)
                    groups.setdefault(candidate.group, []).append((target, candidate.weight))
        return [part for number in sorted(groups) for part in parted(groups[number])]

    def has_slug(self, slug: str) -> bool:
        return slug in self._slugs

    def rows_of(self, profile: "Profile", name: str) -> list[ModelSpec]:
        """What a word means of what this caller may ask for, for whatever. Raises ModelNotFound or ModelForbidden."""
        meant = self.names.meant(name)
        rows = [row for row in meant if self._may_use(profile, name, row)]
        if not rows and meant:
            raise ModelForbidden(f"This API key may not use the model '{name}'.", details={"param": "model"})
        if not rows:
            raise ModelNotFound(f"There is no model '{name[:200]}'.", details={"param": "model"})
        return rows

    def usable(self, profile: "Profile") -> Iterator[list[ModelSpec]]:
        """The rows of every model that this caller may call, by name."""
        for name, rows in self.names.rows.items():
            mine = self._usable(profile, name, rows)
            if mine:
                yield mine

    def usable_aliases(self, profile: "Profile") -> Iterator[tuple[str, list[ModelSpec]]]:
        """The aliases that this caller may call, with the rows that they mean."""
        for alias in self.names.aliases():
            route = self.index.routes.get(alias.target)
            mine = self._leads_to(profile, alias.name, route) if route else self.usable_rows(profile, alias.name)
            if mine:
                yield alias.name, mine

    def usable_routes(self, profile: "Profile") -> Iterator[tuple[str, list[ModelSpec]]]:
        """The routes that this caller may call, with the rows that their groups name."""
        for name, route in self.index.routes.items():
            mine = self._leads_to(profile, name, route)
            if mine:
                yield name, mine

    def _leads_to(self, profile: "Profile", name: str, route: RouteSpec) -> list[ModelSpec]:
        """The rows that a route's groups name and this caller may call by this name."""
        named = [row for rule in route.rules for each in members(rule) for row in self.index.rows_of(each)]
        return self._usable(profile, name, list({row.id: row for row in named}.values()))

    def usable_rows(self, profile: "Profile", name: str) -> list[ModelSpec]:
        """The rows that a word means and this caller may call. Raises ModelNotFound for a retired model."""
        return self._usable(profile, name, self.names.meant(name))

    def _usable(self, profile: "Profile", name: str, rows: list[ModelSpec]) -> list[ModelSpec]:
        return [row for row in rows if self._may_use(profile, name, row) and self._credentials(profile, row)]

    def _may_use(self, profile: "Profile", asked: str, row: ModelSpec) -> bool:
        """A key's list may name a model by any of its names."""
        if profile.allows_all:
            return True
        return profile.may_use(asked, row.name, f"{self.providers[row.provider_id].slug}/{row.name}")

    def _targets_of(self, endpoint: Endpoint, candidate: Candidate) -> Iterator[Target]:
        row, provider = candidate.row, candidate.provider
        offered = spoken(provider, endpoint.operation, row.upstream_model)
        operation = next((each for each in offered if each.dialect == endpoint.dialect), offered[0])
        for credential in candidate.credentials:
            key = (row.id, credential.id if credential else "", endpoint.path, row.upstream_model)
            target = self._targets.get(key)
            # A personal credential keeps its id when its secret changes.
            if target is None or target.credential != credential:
                backend = self._backends.of(row, provider, key[1], self.snapshot.policies)
                pool = self._pools.of(provider)
                target = Target(row, provider, credential, operation, endpoint, backend, pool, self._metrics)
                if len(self._targets) >= _TARGETS_AT_MOST:
                    # Names that a wildcard covers come from callers, and there is no end to them.
                    self._targets.clear()
                self._targets[key] = target
            yield target

    def _credentials(self, profile: "Profile", row: ModelSpec) -> tuple[CredentialSpec | None, ...]:
        return profile.credentials(self.providers[row.provider_id])

    # ---- refusals

    def _refusal(self, profile: "Profile", endpoint: Endpoint, name: str, found: list[Candidate]) -> TurnpikeError:
        """What the candidate says that came furthest."""
        stage = furthest(found)
        theirs = [each for each in found if each.out is not None and each.out.stage is stage]
        rows = [each.row for each in theirs]
        if stage is None or stage is Stage.MODEL_LIST:
            return self._no_such_model(profile, endpoint, name, exists=stage is not None)
        if stage is Stage.OPERATION:
            return self._unsupported(profile, endpoint, name, rows)
        if stage is Stage.ACCESS:
            return self._no_access(profile, name, rows)
        reasons = list(dict.fromkeys(each.out.reason for each in theirs if each.out is not None))[:_NAMED_AT_MOST]
        return Forbidden(
            f"The model '{name}' cannot be used: no deployment may have this request ({'; '.join(reasons)}).",
            details={"model": name, "param": "model", "reasons": reasons},
        )

    def _no_such_model(self, profile: "Profile", endpoint: Endpoint, name: str, *, exists: bool) -> TurnpikeError:
        if exists:
            return ModelForbidden(
                f"This API key may not use the model '{name}'.", details={"model": name, "param": "model"}
            )
        near = self._nearest(profile, endpoint.operation, name)
        hint = f" The nearest that this key may use: {', '.join(near)}." if near else " This key may use no model here."
        return ModelNotFound(
            f"There is no model '{name}'.{hint}",
            details={"model": name, "param": "model", "available_models": near},
        )

    def _unsupported(self, profile: "Profile", endpoint: Endpoint, name: str, rows: list[ModelSpec]) -> TurnpikeError:
        can = sorted({operation for row in rows for operation in row.operations})
        able = self._able(profile, endpoint.operation)
        return UnsupportedOperation(
            f"The model '{name}' cannot do '{endpoint.operation}' (it can: {', '.join(can) or 'nothing'})."
            f" Models that can: {', '.join(able) or 'none that this key may use'}.",
            details={"model": name, "param": "model", "operation": endpoint.operation, "available_models": able},
        )

    def _no_access(self, profile: "Profile", name: str, rows: list[ModelSpec]) -> TurnpikeError:
        states = {profile.access(self.providers[row.provider_id])[0] for row in rows}
        faults = [each.fault for row in rows for each in self.providers[row.provider_id].credentials if each.fault]
        if AccessState.AVAILABLE_SHARED in states and faults:
            return Unavailable(
                f"The model '{name}' cannot be used at the moment: its provider has a credential, but {faults[0]}",
                details={"model": name},
                retry_after_s=1,
            )
        if AccessState.AVAILABLE_SHARED in states:
            reason = "no credential is registered for its provider; an administrator has to add one"
        else:
            reason = "its provider's shared credential is not open to you and you have no personal one"
        return Forbidden(f"The model '{name}' cannot be used: {reason}.", details={"model": name, "param": "model"})

    def _able(self, profile: "Profile", operation: str) -> list[str]:
        names = (rows[0].name for rows in self.usable(profile) if any(operation in row.operations for row in rows))
        return list(islice(names, _NAMED_AT_MOST))

    def _nearest(self, profile: "Profile", operation: Operation, name: str) -> list[str]:
        """Bounded work, however many models there are: names that begin alike are looked at first."""
        usable = [rows[0].name for rows in self.usable(profile) if any(operation in row.operations for row in rows)]
        start = name[:3].lower()
        alike = [each for each in usable if each.lower().startswith(start)]
        near = get_close_matches(name, (alike + usable)[:_MATCHED_AT_MOST], n=_NAMED_AT_MOST, cutoff=0.4)
        return list(dict.fromkeys(near)) or usable[:_NAMED_AT_MOST]
