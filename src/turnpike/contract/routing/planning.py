"""Every deployment that comes into question for a request, in the order of trying, and what keeps it in or out.

The relay makes its plans of those that are in; control shows all of them.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum, StrEnum

import msgspec

from turnpike.contract.access import AccessState
from turnpike.contract.routes import Member, RouteSpec, Rule
from turnpike.contract.routing.naming import Names
from turnpike.contract.routing.residency import InForce, Residency, in_region, refusing
from turnpike.contract.routing.standing import Standing
from turnpike.contract.snapshot import CredentialSpec, ModelSpec, OperationSpec, ProviderSpec, Snapshot
from turnpike.errors import Forbidden, ModelForbidden, ModelNotFound, UnsupportedOperation
from turnpike.kit.patterns import matches
from turnpike.wire.prices import Rates, Unpriced, cost_nanousd
from turnpike.wire.types.usage import MediaUsage, Usage

_TYPICAL = (
    Usage(input_tokens=3000, output_tokens=1000),
    Usage(media=MediaUsage(images=1)),
    Usage(media=MediaUsage(characters=1000)),
    Usage(media=MediaUsage(input_audio_ms=60_000, output_audio_ms=60_000)),
    Usage(media=MediaUsage(video_ms=1000)),
    Usage(media=MediaUsage(searches=1)),
)


class Place(StrEnum):
    """As what a deployment comes into question."""

    MEMBER = "member"
    ROLLOUT = "rollout"
    FALLBACK = "fallback"
    MIRROR = "mirror"


class Stage(IntEnum):
    """How far a deployment came before something kept it out. An error speaks of the one that came furthest."""

    MODEL_LIST = 1
    OPERATION = 2
    RULE = 3
    ACCESS = 4
    REGION = 5


class Out(msgspec.Struct, frozen=True, gc=False):
    stage: Stage
    reason: str
    """For people."""


class Candidate(msgspec.Struct, frozen=True):
    row: ModelSpec
    provider: ProviderSpec
    place: Place
    group: int
    """Lower ones are tried first."""
    weight: int
    credentials: tuple[CredentialSpec | None, ...]
    """Empty where it is out."""
    out: Out | None = None


class Index:
    """A snapshot, with what planning looks up in it."""

    __slots__ = ("_deployments", "_routes", "names", "providers", "residency", "snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.providers = {provider.id: provider for provider in snapshot.providers}
        self.names = Names(snapshot)
        self.residency = Residency(snapshot.residency)
        self._routes = {route.name: route for route in snapshot.routes}
        named = {each.deployment for route in snapshot.routes for rule in route.rules for each in members(rule)}
        self._deployments = {row.id: row for row in snapshot.models if row.id in named} if named else {}

    @property
    def routes(self) -> dict[str, RouteSpec]:
        return self._routes

    def route(self, name: str) -> RouteSpec | None:
        """The route that a word means: by its name, or by an alias of it."""
        found = self._routes.get(name)
        if found is None and self._routes:
            target = self.names.alias_target(name)
            found = self._routes.get(target) if target is not None else None
        return found

    def meant(self, name: str, slug: str | None = None) -> list[ModelSpec]:
        """The rows of a model's name, at the provider `slug` alone. Raises ModelNotFound for a retired model."""
        if slug is None:
            return self.names.meant(name)
        here = [row for row in self.names.meant(name) if self.providers[row.provider_id].slug == slug]
        return here or (self.names.meant(f"{slug}/{name}") if not name.startswith(f"{slug}/") else [])

    def rows_of(self, member: Member) -> list[ModelSpec]:
        if member.deployment is not None:
            row = self._deployments.get(member.deployment)
            return [row] if row is not None else []
        return self.names.meant(member.model) if member.model else []

    def region_of(self, row: ModelSpec) -> str | None:
        return row.region or self.providers[row.provider_id].region


def members(rule: Rule) -> Iterator[Member]:
    """All that a rule names by itself; its fallbacks are models."""
    for group in rule.groups:
        yield from group
    if rule.rollout is not None:
        yield rule.rollout.to
    if rule.mirror is not None:
        yield rule.mirror.to


def spoken(provider: ProviderSpec, operation: str, upstream_model: str) -> list[OperationSpec]:
    """The dialects in which a provider offers an operation for a model, best first."""
    return [
        each
        for each in provider.operations.get(operation, ())
        if not each.models or any(matches(pattern, upstream_model) for pattern in each.models)
    ]


class Survey:
    """Looks at deployments for one caller, operation and name, under the residency policies that hold."""

    def __init__(self, index: Index, standing: Standing, operation: str, name: str, policies: InForce) -> None:
        self._index = index
        self._standing = standing
        self._operation = operation
        self._name = name
        self._policies = policies

    def model(self, slug: str | None = None) -> list[Candidate]:
        """Of a model without a route. The caller's default provider is a group of its own, before the others.

        Raises ModelNotFound for a retired model."""
        default = self._standing.default_provider
        found = [self._look(row, Place.MEMBER, 0, row.weight) for row in self._index.meant(self._name, slug)]
        if default is None:
            return found
        others = [each for each in found if each.provider.slug != default]
        return [each for each in found if each.provider.slug == default] + [
            msgspec.structs.replace(each, group=1) for each in others
        ]

    def rule(self, rule: Rule, *, rolled: bool) -> list[Candidate]:
        """Of a route's rule. `rolled`: the caller belongs to the share that the roll-out names."""
        found: list[Candidate] = []
        if rule.rollout is not None:
            share = None if rolled else Out(Stage.RULE, "the caller is not in the roll-out's share")
            found += self._members((rule.rollout.to,), Place.ROLLOUT, 0, rule, share)
        for number, group in enumerate(rule.groups, 1):
            found += self._members(group, Place.MEMBER, number, rule)
        for number, model in enumerate(rule.fallbacks, len(rule.groups) + 1):
            found += self._members((Member(model=model),), Place.FALLBACK, number, rule)
        return found

    def mirror(self, rule: Rule) -> list[Candidate]:
        if rule.mirror is None:
            return []
        return list(self._members((rule.mirror.to,), Place.MIRROR, 0, rule))

    def _members(
        self, group: tuple[Member, ...], place: Place, number: int, rule: Rule, share: Out | None = None
    ) -> Iterator[Candidate]:
        for member in group:
            for row in self._index.rows_of(member):
                weight = row.weight if member.weight is None else member.weight
                candidate = self._look(row, place, number, weight)
                out = candidate.out
                if rule.regions and not in_region(self._index.region_of(row), rule.regions):
                    where = self._index.region_of(row) or "no region"
                    out = out or Out(Stage.RULE, f"the rule takes regions {', '.join(rule.regions)}; it is in {where}")
                out = out or share
                if out is not candidate.out:
                    candidate = msgspec.structs.replace(candidate, out=out, credentials=())
                yield candidate

    def _look(self, row: ModelSpec, place: Place, group: int, weight: int) -> Candidate:
        provider = self._index.providers[row.provider_id]
        out = self._keeps_out(row, provider)
        credentials: tuple[CredentialSpec | None, ...] = ()
        if out is None:
            credentials = self._standing.credentials(provider)
            if not credentials:
                out = Out(Stage.ACCESS, self._no_access(provider))
        if out is None:
            refused = refusing(self._policies, self._index.region_of(row))
            if refused is not None:
                where = self._index.region_of(row) or "no region"
                allowed = ", ".join(refused.regions)
                out = Out(Stage.REGION, f"the policy '{refused.name}' allows {allowed}; it is in {where}")
                credentials = ()
        return Candidate(row, provider, place, group, weight, credentials, out)

    def _keeps_out(self, row: ModelSpec, provider: ProviderSpec) -> Out | None:
        if not self._standing.may_use(self._name, row.name, f"{provider.slug}/{row.name}"):
            return Out(Stage.MODEL_LIST, "the key's list of models does not have it")
        if self._operation not in row.operations:
            can = ", ".join(row.operations) or "nothing"
            return Out(Stage.OPERATION, f"it cannot do '{self._operation}' (it can: {can})")
        if not spoken(provider, self._operation, row.upstream_model):
            return Out(Stage.ACCESS, f"its provider does not offer '{self._operation}' for it")
        return None

    def _no_access(self, provider: ProviderSpec) -> str:
        if self._standing.access(provider)[0] is AccessState.AVAILABLE_SHARED:
            faults = [each.fault for each in provider.credentials if each.fault]
            return f"its provider has a credential, but {faults[0]}" if faults else "its provider has no credential"
        return "its provider's shared credential is not open to the caller, who has no personal one"


def usual_cost_nanousd(rates: Rates | None) -> int | None:
    """What a typical call costs, to compare deployments by: 3,000 tokens in and 1,000 out, or a piece of whatever else
    the model is paid for. None: it has no price."""
    if rates is None:
        return None
    for usage in _TYPICAL:
        try:
            cost = cost_nanousd(usage, rates)
        except Unpriced:
            continue
        if cost:
            return cost
    return 0


_CODES = {
    Stage.MODEL_LIST: ModelForbidden.code,
    Stage.OPERATION: UnsupportedOperation.code,
    Stage.RULE: Forbidden.code,
    Stage.ACCESS: Forbidden.code,
    Stage.REGION: Forbidden.code,
}


def furthest(found: Iterable[Candidate]) -> Stage | None:
    """How far the candidates came of which none is in; None: there are none."""
    return max((each.out.stage for each in found if each.out is not None), default=None)


def error_code(found: Iterable[Candidate]) -> str:
    """What a caller is told when none is in."""
    stage = furthest(found)
    return ModelNotFound.code if stage is None else _CODES[stage]
