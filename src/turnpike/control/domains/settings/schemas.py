"""Bodies and answers of /api/v1/settings and of the gateway's maintenance."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from turnpike.control.web.envelope import Moment
from turnpike.control.web.fields import NO_CONTROL, Body, View

Value = bool | int | float | str | list[str] | None


class GatewaySettingView(View):
    name: str = Field(examples=["api_key_lifetime_days"])
    variable: str = Field(description="The environment's name of it.", examples=["TURNPIKE_API_KEY_LIFETIME_DAYS"])
    kind: str = Field(description="boolean, integer, number, string, list or secret", examples=["integer"])
    value: Value = Field(description="What is in force; of secrets never more than null.", examples=[90])
    is_set: bool = Field(description="Whether there is a value: of secrets this is all that is told.")
    source: Literal["stored", "environment", "default"]
    default: Value = Field(examples=[0])
    description: str
    changeable: bool = Field(description="Whether it may be changed here, while the gateway runs.")
    changed_by: str | None = Field(description="Who stored it, by user id.")
    changed_at: Moment | None


class GatewaySettingBody(Body):
    value: Any = Field(description="Of the setting's own type and in its bounds.", examples=[90])


Message = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=NO_CONTROL)]


class MaintenanceBody(Body):
    on: bool = Field(examples=[True])
    message: Message = Field(
        default="The gateway is closed for maintenance.", description="What callers are told, in their API's own form."
    )
    retry_after_s: float = Field(default=60, ge=1, le=86_400, description="The `Retry-After` that callers get.")


class MaintenanceView(View):
    on: bool
    message: str | None
    retry_after_s: float | None
    changed_by: str | None
    changed_at: Moment | None
