"""Bodies and answers of /api/v1/policies."""

from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import Field, StringConstraints, model_validator

from turnpike.contract.policies import BoundsSpec, GuardSpec
from turnpike.control.db.models import GuardDecision, GuardPolicy
from turnpike.control.web.envelope import Moment, moment
from turnpike.control.web.fields import NO_CONTROL, Body, ModelName, Text, UserId, View, refuse_null

MAX_LIST = 500
PolicyName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_CONTROL)]
Term = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Count = Annotated[int, Field(ge=1, le=2**40)]


class Guard(Body):
    """One guard."""

    name: Word = Field(description="How decisions and refusals name it; once in a policy.")
    kind: Literal["pii", "terms", "patterns", "injection", "moderation", "names"]
    action: Literal["allow", "flag", "mask", "restore", "block"]
    on: Literal["prompt", "answer", "both"] = "both"
    detect: list[Word] = Field(
        default=[],
        max_length=50,
        description="Of `pii`: kinds or groups; empty: all. Of `names`: person, location, organization, group, date; "
        "empty: person and location.",
    )
    terms: list[Term] = Field(default=[], max_length=2000, description="Of `terms`: words and phrases, in any case.")
    patterns: list[Pattern] = Field(default=[], max_length=100, description="Of `patterns`: RE2 expressions.")
    threshold: float | None = Field(default=None, ge=0, le=1, description="Of `injection`, `moderation` and `names`.")
    model: ModelName | None = Field(default=None, description="Of `moderation`: the model that is asked.")
    categories: list[Word] = Field(default=[], max_length=50, description="Of `moderation`; empty: all.")
    replacement: Text | None = Field(default=None, description="Of `mask`: what stands there instead.")


class Bounds(Body):
    """How large a request may be, and which parameters it may have."""

    max_input_bytes: Count | None = None
    max_input_tokens: Count | None = Field(default=None, description="By an upper estimate.")
    max_output_tokens: Count | None = None
    on_excess: Literal["clamp", "refuse"] = Field(default="clamp", description="Of output tokens.")
    allowed_parameters: list[Word] = Field(default=[], max_length=100, description="Empty: all.")
    forbidden_parameters: list[Word] = Field(default=[], max_length=100)
    ranges: dict[Word, tuple[float | None, float | None]] = Field(
        default={}, max_length=50, description="Least and greatest value by parameter."
    )
    tools: bool = Field(default=True, description="Whether requests may offer tools.")
    response_formats: list[Literal["text", "json_object", "json_schema"]] = Field(default=[], description="Empty: all.")


class _Applies(Body):
    keys: list[UserId] = Field(default=[], max_length=MAX_LIST, description="Ids of API keys; empty: all.")
    users: list[UserId] = Field(default=[], max_length=MAX_LIST)
    departments: list[UserId] = Field(default=[], max_length=MAX_LIST)
    tiers: list[Word] = Field(default=[], max_length=MAX_LIST)
    models: list[ModelName] = Field(default=[], max_length=MAX_LIST, description="Names with `*`; empty: all.")


class PolicyBody(_Applies):
    name: PolicyName
    enabled: bool = True
    priority: int = Field(default=100, ge=0, le=10_000, description="Lower ones come first.")
    guards: list[Guard] = Field(default=[], max_length=50)
    bounds: Bounds | None = None
    fail_closed: bool = Field(default=True, description="Refuse what could not be looked at.")
    media: Literal["block", "allow"] = Field(
        default="block", description="Images, sounds and files, which no guard can read, where a guard masks or blocks."
    )
    note: Text | None = None

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [guard.name for guard in self.guards]
        if len(set(names)) != len(names):
            raise ValueError("two guards of a policy have the same name")
        return self


class PolicyPatch(Body):
    """Lists and guards are replaced as a whole."""

    name: PolicyName | None = None
    enabled: bool | None = None
    priority: int | None = Field(default=None, ge=0, le=10_000)
    keys: list[UserId] | None = None
    users: list[UserId] | None = None
    departments: list[UserId] | None = None
    tiers: list[Word] | None = None
    models: list[ModelName] | None = None
    guards: list[Guard] | None = Field(default=None, max_length=50)
    bounds: Bounds | None = None
    fail_closed: bool | None = None
    media: Literal["block", "allow"] | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "bounds", "note")
        return self


class PolicyView(View):
    id: str
    name: str
    enabled: bool
    priority: int
    keys: list[str]
    users: list[str]
    departments: list[str]
    tiers: list[str]
    models: list[str]
    guards: list[dict[str, Any]]
    bounds: dict[str, Any] | None
    fail_closed: bool
    media: str
    note: str | None
    created_at: Moment
    updated_at: Moment


class PolicyTestBody(Body):
    """One of `text` and `request`; `policy` or `draft`, or neither: all that are switched on."""

    text: str | None = Field(default=None, max_length=1_000_000)
    request: dict[str, Any] | None = Field(default=None, description="A whole request or answer body.")
    dialect: Word = Field(default="openai_chat", description="The form of `request`.")
    side: Literal["prompt", "answer"] = "prompt"
    policy: Word | None = Field(default=None, description="Id or name.")
    draft: PolicyBody | None = Field(default=None, description="A policy that is not stored.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.text is None) == (self.request is None):
            raise ValueError("give one of text and request")
        if self.policy is not None and self.draft is not None:
            raise ValueError("policy and draft exclude each other")
        return self


class FindView(View):
    policy: str
    guard: str
    kind: str
    action: str
    text: int
    start: int
    end: int


class PolicyTestView(View):
    passes: bool
    refused_by: FindView | None
    finds: list[FindView]
    goes_on: Any
    not_asked: list[str]


class DecisionView(View):
    at: Moment
    request_id: str
    event_id: str
    key_id: str
    key_name: str
    user_id: str
    department_id: str | None
    operation: str
    model: str
    policy_id: str
    policy: str
    guard: str
    kind: str
    action: str
    side: str
    finds: int


class DecisionCount(View):
    by: dict[str, str | None]
    """The members that were asked for, and their values."""
    finds: int
    calls: int


def view_policy(row: GuardPolicy) -> PolicyView:
    lists = {name: row.applies.get(name, []) for name in ("keys", "users", "departments", "tiers", "models")}
    rules = row.rules
    return PolicyView(
        id=row.id,
        name=row.name,
        enabled=row.enabled,
        priority=row.priority,
        guards=[msgspec.to_builtins(msgspec.convert(guard, GuardSpec)) for guard in rules["guards"]],
        bounds=None if rules["bounds"] is None else msgspec.to_builtins(msgspec.convert(rules["bounds"], BoundsSpec)),
        fail_closed=rules["fail_closed"],
        media=rules["media"],
        note=row.note,
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
        **lists,
    )


def view_decision(row: GuardDecision) -> DecisionView:
    names = set(DecisionView.model_fields) - {"at", "event_id"}
    values = {name: getattr(row, name) for name in names}
    return DecisionView(at=moment(row.at_ms), event_id=row.event_id.hex(), **values)
