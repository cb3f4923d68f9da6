"""Bodies and answers of /api/v1/flags."""

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from turnpike.contract.access import Role
from turnpike.control.db.models import FeatureFlag
from turnpike.control.domains.flags.rules import FlagKind
from turnpike.control.web.envelope import Moment, moment
from turnpike.control.web.fields import Body, Text, UserId, View, refuse_null

FLAG_NAME = r"^[a-z][a-z0-9_.-]{0,63}$"
FlagName = Annotated[str, StringConstraints(pattern=FLAG_NAME)]
MOST = 200


class FlagRuleBody(Body):
    """All the conditions that are named must hold; a rule without any holds for everybody."""

    value: Any = Field(description="Of the flag's type.", examples=[True])
    departments: list[UserId] = Field(default=[], max_length=MOST, description="Ids.")
    users: list[UserId] = Field(default=[], max_length=MOST, description="Ids.")
    roles: list[Role] = Field(default=[], max_length=20)
    percentage: float | None = Field(
        default=None, ge=0, le=100, description="This share of the people, always the same ones.", examples=[10]
    )


class FlagBody(Body):
    name: FlagName = Field(examples=["new_editor"])
    kind: FlagKind = FlagKind.BOOLEAN
    default: Any = Field(description="For whom no rule holds, and for everybody when it is off.", examples=[False])
    rules: list[FlagRuleBody] = Field(
        default=[], max_length=100, description="The first that holds decides.", examples=[[{"value": True}]]
    )
    value_schema: dict[str, Any] | None = Field(
        default=None, description="JSON schema of the values, for the kind json; it may refer to itself only."
    )
    description: Text | None = None
    is_active: bool = True


class FlagPatch(Body):
    default: Any = Field(default=None, examples=[True])
    rules: list[FlagRuleBody] | None = Field(default=None, max_length=100, examples=[[]])
    value_schema: dict[str, Any] | None = None
    description: Text | None = None
    is_active: bool | None = None

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "default", "value_schema", "description")
        return self


class FlagRuleView(View):
    value: Any
    departments: list[str]
    users: list[str]
    roles: list[str]
    percentage: float | None


class FlagView(View):
    id: str
    name: str = Field(examples=["new_editor"])
    kind: FlagKind
    default: Any
    rules: list[FlagRuleView] = Field(examples=[[]])
    value_schema: dict[str, Any] | None
    description: str | None
    is_active: bool
    created_at: Moment
    updated_at: Moment


class EvaluatedView(View):
    name: str = Field(examples=["new_editor"])
    kind: FlagKind
    value: Any
    reason: str = Field(description="`rule 1`, `default`, or `off`.", examples=["rule 1"])


def document_of(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "default": values["default"],
        "rules": values["rules"],
        "schema": values["value_schema"],
    }


def view_flag(row: FeatureFlag) -> FlagView:
    return FlagView(
        id=row.id,
        name=row.name,
        kind=FlagKind(row.kind),
        default=row.document["default"],
        rules=[FlagRuleView(**rule) for rule in row.document["rules"]],
        value_schema=row.document["schema"],
        description=row.description,
        is_active=row.is_active,
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )
