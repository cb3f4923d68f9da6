"""Bodies and answers of /api/v1/scim; the resources of /scim/v2 are in resources.py."""

from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from turnpike.contract.access import Role
from turnpike.control.db.models import ScimMapping, ScimToken
from turnpike.control.domains.scim.tokens import status_of
from turnpike.control.web.envelope import Moment, moment, moment_or_none
from turnpike.control.web.fields import NO_CONTROL, Body, Name, UserId, View

GroupName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=NO_CONTROL)]


class TokenBody(Body):
    name: Name = Field(description="Which identity provider has it.")
    expires_at: AwareDatetime | None = Field(default=None, description="Without it the token works until revoked.")


class TokenView(View):
    id: str
    name: str
    prefix: str
    role: str = Field(description="The highest that it acts on and gives: that of who made it.")
    status: str = Field(description="active, expired or revoked")
    created_by: str | None
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None = Field(description="Within a minute.")


class NewTokenView(TokenView):
    token: str
    base_url: str | None = Field(description="What the identity provider asks for beside the token.")


class MappingBody(Body):
    group: GroupName = Field(description="The group's displayName at the provider, in any case.")
    role: Role | None = Field(default=None, description="The highest of a person's groups counts.")
    department_id: UserId | None = Field(default=None, description="That of the oldest mapping that fits counts.")


class MappingPatch(Body):
    role: Role | None = None
    department_id: UserId | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name what to change: role, department_id")
        return self


class MappingView(View):
    id: str
    group: str
    role: str | None
    department_id: str | None
    created_at: Moment
    updated_at: Moment


def view_token(row: ScimToken) -> TokenView:
    return TokenView(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        role=row.role,
        status=status_of(row),
        created_by=row.created_by,
        created_at=moment(row.created_at_ms),
        expires_at=moment_or_none(row.expires_at_ms),
        revoked_at=moment_or_none(row.revoked_at_ms),
        last_used_at=moment_or_none(row.last_used_at_ms),
    )


def view_mapping(row: ScimMapping) -> MappingView:
    return MappingView(
        id=row.id,
        group=row.group_name,
        role=row.role,
        department_id=row.department_id,
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )
