"""Bodies and answers of /api/v1/users."""

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from turnpike.contract.access import Role
from turnpike.control.db.models import User
from turnpike.control.web.envelope import Moment, moment, moment_or_none
from turnpike.control.web.fields import NO_CONTROL, Body, Name, RoleName, UserId, View, refuse_null

Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$"
    ),
]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=NO_CONTROL)]


class UserBody(Body):
    display_name: Name
    email: Email | None = None
    ext_subject: Subject | None = Field(default=None, description="The person's `sub` at the identity provider.")
    role: RoleName = Role.USER.value
    department_id: UserId | None = None
    is_active: bool = True


class UserPatch(Body):
    display_name: Name | None = None
    email: Email | None = None
    ext_subject: Subject | None = None
    role: RoleName | None = None
    department_id: UserId | None = None
    is_active: bool | None = None

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "email", "ext_subject", "department_id")
        return self


class UserView(View):
    id: str
    display_name: str
    email: str | None
    ext_subject: str | None
    role: str
    department_id: str | None
    is_active: bool
    erased_at: Moment | None = Field(description="When everything that told who this was has been removed.")
    created_at: Moment
    updated_at: Moment


def view_user(row: User) -> UserView:
    return UserView(
        **_times(row),
        id=row.id,
        display_name=row.display_name,
        email=row.email,
        ext_subject=row.ext_subject,
        role=row.role,
        department_id=row.department_id,
        is_active=row.is_active,
        erased_at=moment_or_none(row.erased_at_ms),
    )


def _times(row: User) -> dict[str, Any]:
    return {"created_at": moment(row.created_at_ms), "updated_at": moment(row.updated_at_ms)}
