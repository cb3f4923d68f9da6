"""Bodies and answers of /api/v1/departments."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from turnpike.control.db.models import Department, ResidencyPolicy
from turnpike.control.domains.departments.repository import Size
from turnpike.control.web.envelope import Moment, moment
from turnpike.control.web.fields import VOLATILE, Body, ModelName, Name, UserId, View, refuse_null

MAX_MODELS = 200
MAX_PEOPLE = 500
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,62}[A-Za-z0-9])?$")]
Tier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]
_CODE = Field(default=None, description="What other systems call it: a cost centre, a number. One of its own.")
_TIER = Field(default=None, description="Tier of its people's sessions, and of their new keys that name none.")
_MODELS = "What its people may call at most, `*` as wildcard, whatever a key allows; empty: everything."


class DepartmentBody(Body):
    name: Name
    code: Code | None = _CODE
    default_tier: Tier | None = _TIER
    models: list[ModelName] = Field(default=[], max_length=MAX_MODELS, description=_MODELS)


class DepartmentPatch(Body):
    name: Name | None = None
    code: Code | None = _CODE
    default_tier: Tier | None = _TIER
    models: list[ModelName] | None = Field(default=None, max_length=MAX_MODELS, description=_MODELS)

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "code", "default_tier")
        return self


class MembersBody(Body):
    user_ids: list[UserId] = Field(min_length=1, max_length=MAX_PEOPLE, description="Who belongs to it from now on.")


class RegionsView(View):
    """A residency policy that names the department."""

    policy_id: str
    policy: str
    is_active: bool
    regions: list[str]


class DepartmentView(View):
    id: str
    name: str
    code: str | None
    default_tier: str | None
    models: list[str]
    members: int = Field(json_schema_extra=VOLATILE)
    keys: int = Field(description="Those of its people that are not revoked.", json_schema_extra=VOLATILE)
    residency: list[RegionsView] | None = Field(
        default=None,
        description="Where its people's data may go; in the answer about one department only.",
        json_schema_extra=VOLATILE,
    )
    created_at: Moment
    updated_at: Moment


class MovedView(View):
    moved: int = Field(description="How many people changed their department.")


def view_department(row: Department, size: Size, residency: Sequence[ResidencyPolicy] | None = None) -> DepartmentView:
    regions = None
    if residency is not None:
        regions = [
            RegionsView(policy_id=each.id, policy=each.name, is_active=each.is_active, regions=each.regions)
            for each in residency
        ]
    return DepartmentView(
        id=row.id,
        name=row.name,
        code=row.code,
        default_tier=row.default_tier,
        models=row.models or [],
        members=size.members,
        keys=size.keys,
        residency=regions,
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )
