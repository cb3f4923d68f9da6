"""Bodies and answers of /api/v1/roles."""

from typing import Literal

from pydantic import Field, field_validator

from turnpike.control.domains.roles.service import Shown
from turnpike.control.rights.permissions import WHOLE, WORDS, Permission
from turnpike.control.web.envelope import Moment, moment
from turnpike.control.web.fields import Body, Text, View

ReachName = Literal["own_data", "department_data", "all_data"]


class RoleBody(Body):
    description: Text | None = None
    permissions: dict[Permission, ReachName] = Field(
        description="Permissions, and with whose data: `own_data`, `department_data` or `all_data`.",
        examples=[{"chat": "own_data", "view_analytics": "department_data"}],
    )

    @field_validator("permissions")
    @classmethod
    def _whole(cls, given: dict[Permission, ReachName]) -> dict[Permission, ReachName]:
        for permission, reach in given.items():
            if permission in WHOLE and reach != "all_data":
                raise ValueError(f"{permission.value} concerns the whole gateway: give it all_data, or leave it out")
        return given


class RoleView(View):
    name: str
    description: str | None
    built_in: bool
    permissions: dict[str, str]
    created_at: Moment | None
    updated_at: Moment | None


class PermissionView(View):
    name: str
    description: str
    whole_gateway: bool = Field(description="Held at `all_data` only.")


def view_role(role: Shown) -> RoleView:
    return RoleView(
        name=role.name,
        description=role.description,
        built_in=role.row is None,
        permissions=role.rights.names(),
        created_at=None if role.row is None else moment(role.row.created_at_ms),
        updated_at=None if role.row is None else moment(role.row.updated_at_ms),
    )


def view_permissions() -> list[PermissionView]:
    return [
        PermissionView(name=each.value, description=WORDS[each], whole_gateway=each in WHOLE) for each in Permission
    ]
