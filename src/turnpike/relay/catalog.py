"""The snapshot, compiled for the fast path: for a caller and a model, the targets that may serve it.

What does not depend on a request is computed here once: request heads, encoded journal parts, costs. Runtime state
that must outlive a snapshot (breakers, connection pools, counters) is kept in `Backends` and `Pools`.
"""

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from urllib.parse import quote, urlsplit
from weakref import WeakSet

import msgspec

from turnpike.contract.access import AccessState
from turnpike.contract.events import Served
from turnpike.contract.grants import KeyGrant
from turnpike.contract.routes import RouteSpec, Rule, StickyBy, Strategy
from turnpike.contract.routing.planning import Candidate, Index, Place, Stage, Survey, furthest, members, spoken
from turnpike.contract.routing.residency import InForce
from turnpike.contract.routing.standing import Standing
from turnpike.contract.snapshot import CredentialSpec, ModelSpec, OperationSpec, ProviderSpec, Snapshot
from turnpike.errors import (
    Forbidden,
    ModelForbidden,
    ModelNotFound,
    TurnpikeError,
    Unavailable,
    UnsupportedOperation,
)
from turnpike.relay.backend import Backend, Backends
from turnpike.relay.endpoints import Route
from turnpike.relay.gates import target_gates
from turnpike.relay.gates.memory import Remembered
from turnpike.relay.metrics import Labels, Metrics
from turnpike.relay.pools import Pool, Pools
from turnpike.relay.routing.plan import Plan, RoutedPlan, parted
from turnpike.relay.routing.router import Router
from turnpike.wire.aws.sigv4 import Signer, read_keys
from turnpike.wire.bounds import Bound
from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.common.errors import refusal_in
from turnpike.wire.framing import FRAMINGS
from turnpike.wire.operations import PLAIN, Endpoint, Operation
from turnpike.wire.prices import compile_cost
from turnpike.wire.profiles.quirks import MODEL_IN_PATH, REWRITTEN, STATUS_IN_BODY
from turnpike.wire.types.usage import Usage

_encode = msgspec.msgpack.Encoder().encode
_NAMED_AT_MOST = 5
_MATCHED_AT_MOST = 2_000
_INTERNED_AT_MOST = 10_000
_TARGETS_AT_MOST = 50_000
_PLANS_AT_MOST = 20_000


class Target:
    """A deployment, ready to be sent a request of one endpoint."""

    __slots__ = (
        "answer_head", "auth", "backend", "bound", "breaker", "cost", "credential", "dialect", "find_refusal",
        "framing", "gates", "gauge", "header_members", "headers", "hidden", "host", "max_output_tokens", "passes_query",
        "path", "plain", "pool", "quirks", "rates", "same", "served", "served_raw", "signer", "stream_path", "tally",
        "unusual",        "upstream_model", "verbatim",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - a compiled row: every part is named at the only call
        self,
        model: ModelSpec,
        provider: ProviderSpec,
        credential: CredentialSpec | None,
        operation: OperationSpec,
        endpoint: Endpoint,
        backend: Backend,
        pool: Pool,
        metrics: Metrics,
    ) -> None:
        base = urlsplit(provider.base_url)
        self.backend = backend
        self.breaker = backend.breaker
        self.gauge = backend.gauge
        self.pool = pool
        self.tally = metrics.tally(
            Labels(endpoint.method, endpoint.path, provider.slug, model.name, endpoint.operation)
        )
        self.dialect: Dialect = DIALECTS[operation.dialect]
        self.same = operation.dialect == endpoint.dialect
        """Its answers go on as they come, and tell their whole usage."""
        self.upstream_model = model.upstream_model
        self.max_output_tokens = model.max_output_tokens
        self.quirks = frozenset(provider.quirks)
        self.find_refusal = refusal_in if STATUS_IN_BODY in self.quirks else None
        self.plain = self.same and endpoint.operation in PLAIN and self.find_refusal is None
        """Whole answers go on as they came, looked at for usage alone."""
        root = base.path.rstrip("/")
        self.path = (root + operation.path_for(model.upstream_model)).encode()
        self.stream_path: bytes | None = None
        """Where streams have a path of their own."""
        if operation.stream_path is not None:
            self.stream_path = (root + operation.path_for(model.upstream_model, stream=True)).encode()
        self.host = base.netloc.rpartition("@")[2].encode()
        self.framing = FRAMINGS[operation.framing]
        self.header_members = operation.header_members if self.same else {}
        changed = bool(self.header_members) or MODEL_IN_PATH in self.quirks
        rewrites = changed or not REWRITTEN.isdisjoint(self.quirks)
        self.verbatim = model.upstream_model if self.same and not rewrites else None
        """The name of a model that a caller's whole request may go on under, byte for byte."""
        self.passes_query = self.same and not changed
        self._take_credential(provider, credential)
        self.unusual = self.stream_path is not None or self.signer is not None
        self.bound = Bound(model.rates, model.context_window, model.max_output_tokens)
        self.rates = model.rates
        self.cost: Callable[[Usage], int] | None = compile_cost(model.rates) if model.rates else None
        self.served = Served(
            provider.id, provider.slug, model.id, credential.id if credential else None, model.name,
            model.upstream_model, operation.dialect, model.price_source,
        )  # fmt: skip
        self.gates = target_gates(model, provider, credential)
        self.served_raw = msgspec.Raw(_encode(self.served))
        self.answer_head = f"x-turnpike-provider: {provider.slug}\r\nx-turnpike-deployment: {model.id}\r\n".encode()

    def _take_credential(self, provider: ProviderSpec, credential: CredentialSpec | None) -> None:
        """How this credential is sent: as a header, as a parameter of the query, or as a signature of each request."""
        self.credential = credential
        auth = (credential.auth if credential else None) or provider.auth
        secret = credential.secret if credential else None
        self.auth = auth.header.lower().encode()
        self.signer: Signer | None = None
        self.hidden: tuple[str, ...] = (secret,) if secret else ()
        """What must not be told to a caller, should the provider repeat it."""
        headers = [(name.lower().encode(), value.encode()) for name, value in provider.headers.items()]
        if secret and auth.kind == "sigv4":
            keys = read_keys(secret)
            self.signer = Signer(keys, auth.region, auth.service)
            self.hidden = tuple(filter(None, (keys.secret_access_key, keys.session_token, keys.access_key_id)))
        elif secret and auth.query:
            self.path = _with_parameter(self.path, auth.query, secret)
            self.stream_path = _with_parameter(self.stream_path, auth.query, secret) if self.stream_path else None
        elif secret and auth.header:
            headers.append((self.auth, (auth.prefix + secret).encode()))
        self.headers = tuple(headers)
        """Those that we set, in lower case: the provider's own and the credential."""


def _with_parameter(path: bytes, name: str, value: str) -> bytes:
    return path + (b"&" if b"?" in path else b"?") + f"{name}={quote(value, safe='')}".encode()


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

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._interned: dict[tuple[object, ...], Profile] = {}
        self._all: WeakSet[Profile] = WeakSet()

    def replace(self, catalog: Catalog) -> None:
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
