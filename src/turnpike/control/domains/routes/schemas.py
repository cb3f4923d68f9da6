"""Bodies and answers of /api/v1/routes and /api/v1/residency."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from turnpike.contract.routes import Need, StickyBy, Strategy
from turnpike.control.db.models import ResidencyPolicy, RouteRow, RouteVersion
from turnpike.control.web.envelope import Moment, moment
from turnpike.control.web.fields import UUID, Body, ModelName, Name, Text, View, refuse_null
from turnpike.wire.operations import Operation

MAX_RULES = 50
MAX_MEMBERS = 100
MAX_LIST = 200

RouteName = Annotated[ModelName, Field(pattern=r"^[^*]+$")]
Id = Annotated[str, StringConstraints(pattern=UUID, to_lower=True)]
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Tier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*-]{1,64}$")]
Percent = Annotated[float, Field(gt=0, le=100)]
Tokens = Annotated[int, Field(ge=0, le=2**40)]


class MemberBody(Body):
    model: ModelName | None = Field(default=None, description="A model's name: all of its deployments.")
    deployment: Id | None = Field(default=None, description="One deployment: a model's id.")
    weight: int | None = Field(default=None, ge=1, le=10_000, description="Without it what the catalog says.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.model is None) == (self.deployment is None):
            raise ValueError("name either a model or a deployment")
        return self


class ConditionsBody(Body):
    """All that are given must hold."""

    tags: list[Tag] = Field(default=[], max_length=MAX_LIST, description="The request bears one of them.")
    tiers: list[Tier] = Field(default=[], max_length=MAX_LIST)
    departments: list[Id] = Field(default=[], max_length=MAX_LIST)
    users: list[Id] = Field(default=[], max_length=MAX_LIST)
    keys: list[Id] = Field(default=[], max_length=MAX_LIST)
    operations: list[Operation] = Field(default=[], max_length=len(Operation))
    needs: list[Need] = Field(default=[], max_length=len(Need), description="The request asks for all of them.")
    min_input_tokens: Tokens | None = Field(default=None, description="Estimated: a token for four bytes.")
    max_input_tokens: Tokens | None = None

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        low, high = self.min_input_tokens, self.max_input_tokens
        if low is not None and high is not None and low > high:
            raise ValueError("min_input_tokens is above max_input_tokens")
        return self


class RolloutBody(Body):
    to: MemberBody
    percent: Percent = Field(description="Of the callers; who belongs to the share stays the same.")
    by: Literal["user", "key"] = "user"


class MirrorBody(Body):
    to: MemberBody
    percent: Percent = Field(description="Of the requests, drawn at random.")


Group = Annotated[list[MemberBody], Field(min_length=1, max_length=MAX_MEMBERS)]


class RuleBody(Body):
    when: ConditionsBody = ConditionsBody()
    strategy: Strategy = Strategy.WEIGHTED
    sticky_by: StickyBy = StickyBy.SESSION
    regions: list[Region] = Field(default=[], max_length=MAX_LIST, description="Only deployments there.")
    groups: list[Group] = Field(min_length=1, max_length=20, description="In the order of trying.")
    fallbacks: list[ModelName] = Field(
        default=[], max_length=10, description="Other models, when no deployment answers."
    )
    rollout: RolloutBody | None = None
    mirror: MirrorBody | None = None


Rules = Annotated[list[RuleBody], Field(min_length=1, max_length=MAX_RULES)]


class RouteBody(Body):
    name: RouteName = Field(description="What callers say. It goes before a model of the same name.")
    description: Text | None = None
    is_active: bool = True
    rules: Rules = Field(description="The first whose conditions a request meets says where it goes.")
    note: Text | None = Field(default=None, description="Why: kept with the version.")


class RoutePatch(Body):
    name: RouteName | None = None
    description: Text | None = None
    is_active: bool | None = None
    rules: Rules | None = None
    note: Text | None = None
    version: int | None = Field(default=None, ge=1, description="The version that this changes; refused for another.")

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "description", "note", "version")
        return self


class RollbackBody(Body):
    version: int = Field(ge=1)
    note: Text | None = None


class RouteView(View):
    id: str
    name: str
    description: str | None
    is_active: bool
    version: int
    rules: list[dict[str, Any]]
    created_at: Moment
    updated_at: Moment


class RouteVersionView(View):
    route_id: str
    version: int
    action: str = Field(description="created, changed, rolled_back or deleted")
    name: str
    description: str | None
    is_active: bool
    rules: list[dict[str, Any]]
    note: str | None
    made_by: str | None = Field(description="The person's id; null: the operator of the machine.")
    made_by_name: str
    made_at: Moment


def view_route(row: RouteRow) -> RouteView:
    return RouteView(
        id=row.id,
        name=row.name,
        description=row.description,
        is_active=row.is_active,
        version=row.version,
        rules=row.rules,
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )


def view_version(row: RouteVersion) -> RouteVersionView:
    return RouteVersionView(
        route_id=row.route_id,
        version=row.version,
        action=row.action,
        name=row.name,
        description=row.description,
        is_active=row.is_active,
        rules=row.rules,
        note=row.note,
        made_by=row.made_by,
        made_by_name=row.made_by_name,
        made_at=moment(row.made_at_ms),
    )


# ---- residency


class ResidencyBody(Body):
    name: Name
    is_active: bool = True
    regions: list[Region] = Field(min_length=1, max_length=MAX_LIST, description="`eu-west-1`, `eu-*`.")
    departments: list[Id] = Field(
        default=[], max_length=MAX_LIST, description="Whose data; with no department, key and tag: all."
    )
    keys: list[Id] = Field(default=[], max_length=MAX_LIST)
    tags: list[Tag] = Field(default=[], max_length=MAX_LIST)


class ResidencyPatch(Body):
    name: Name | None = None
    is_active: bool | None = None
    regions: list[Region] | None = Field(default=None, min_length=1, max_length=MAX_LIST)
    departments: list[Id] | None = Field(default=None, max_length=MAX_LIST)
    keys: list[Id] | None = Field(default=None, max_length=MAX_LIST)
    tags: list[Tag] | None = Field(default=None, max_length=MAX_LIST)

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given())
        return self


class ResidencyView(View):
    id: str
    name: str
    is_active: bool
    regions: list[str]
    departments: list[str]
    keys: list[str]
    tags: list[str]
    created_at: Moment
    updated_at: Moment


def view_residency(row: ResidencyPolicy) -> ResidencyView:
    return ResidencyView(
        id=row.id,
        name=row.name,
        is_active=row.is_active,
        regions=row.regions,
        departments=row.departments,
        keys=row.keys,
        tags=row.tags,
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )


# ---- explanations


class ExplainBody(Body):
    """A request that is only thought of. Nothing is sent."""

    model: ModelName
    key_id: Id | None = Field(default=None, description="Whose request; without it and `user_id` the asking key's.")
    user_id: Id | None = None
    operation: Operation = Operation.CHAT
    tags: list[Tag] = Field(default=[], max_length=8)
    input_tokens: Tokens = 0
    needs: list[Need] = Field(default=[], max_length=len(Need))
    session: Annotated[str, StringConstraints(max_length=500)] | None = Field(
        default=None, description="As in the header `x-turnpike-session`."
    )
    provider: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="Slug of the only provider, where the path names one."
    )
    relay: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        default=None, description="Number of the relay whose measurements are meant; without it the first one's."
    )

    @field_validator("tags")
    @classmethod
    def _once(cls, tags: list[str]) -> list[str]:
        return list(dict.fromkeys(tags))

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.key_id is not None and self.user_id is not None:
            raise ValueError("name a key or a user")
        return self


class MeasuredView(View):
    """By one relay; each measures for itself."""

    in_flight: int
    limit: int = Field(description="Calls that it is given at a time.")
    waiting: int = Field(description="Calls that wait for room at it.")
    latency_s: float = Field(description="Peak-EWMA of the time to the first byte.")
    failing: float = Field(description="EWMA of failures, 0 to 1.")


class CandidateView(View):
    deployment_id: str
    model: str
    upstream_model: str
    provider: str
    region: str | None
    place: str = Field(description="member, rollout, fallback or mirror")
    group: int = Field(description="Lower ones are tried first.")
    weight: int
    included: bool
    reason: str | None = Field(
        description="What keeps it out: key, region, condition, credential, switched off; or at the moment: breaker, "
        "rest, health check, limit, budget."
    )
    resting: bool = Field(description="It is passed over at the moment, while there are others.")
    rank: int | None = Field(description="In the order of trying, from 1; null: not tried.")
    share: float | None = Field(description="Of the first tries, from 0 to 1; null: not known.")
    measured: MeasuredView | None = Field(description="What the relay measured; null: it was not asked of late.")


class RuleView(View):
    number: int
    met: bool
    reason: str | None


class PolicyView(View):
    name: str
    regions: list[str]


class WhoView(View):
    key_id: str | None
    user_id: str | None
    department_id: str | None
    role: str
    tier: str


class ExplainView(View):
    model: str
    route: str | None
    route_version: int | None
    rules: list[RuleView]
    rule: int | None = Field(description="The number of the rule that applies, from 1.")
    strategy: str
    in_rollout: bool | None
    caller: WhoView
    residency: list[PolicyView] = Field(description="Policies that hold for this request.")
    candidates: list[CandidateView] = Field(description="In the order of trying; those that are out come last.")
    mirrors: list[CandidateView]
    first: str | None = Field(description="The deployment that is tried first, where that is certain.")
    relay: int | None = Field(description="Whose measurements these are; null: no relay is connected to this control.")
    relays: list[int] = Field(description="All that could be asked for theirs.")
    allowed: bool
    error_code: str | None = Field(description="What a caller would be told.")
    summary: str
