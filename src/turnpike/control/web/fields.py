"""Types of fields that several schemas share. No framework: what compiles snapshots may use them too."""

import json
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

from turnpike.control.rights.roles import ROLE_NAME

VOLATILE: dict[str, Any] = {"x-volatile": True}
"""`json_schema_extra` of an answer's field that changes without anybody changing the resource: no part of its ETag."""
NO_CONTROL = r"^[^\x00-\x1f\x7f]*$"
UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
SLUG = r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$"

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=NO_CONTROL)]
Text = Annotated[str, StringConstraints(max_length=500, pattern=NO_CONTROL)]
ModelName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=NO_CONTROL)]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=SLUG)]


def _as_text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


CredentialText = Annotated[
    str,
    BeforeValidator(_as_text, json_schema_input_type=str | dict[str, str]),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=32_768),
]
"""A provider's key, or an object of the parts of one; which of them it must be is the vendor's to say."""
RoleName = Annotated[str, StringConstraints(pattern=ROLE_NAME)]
"""One of the four, or one made at /api/v1/roles."""
UserId = Annotated[str, StringConstraints(pattern=UUID, to_lower=True)]


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip(), strict=False))
    except ValueError:
        raise ValueError(f"{text[:64]!r} is no network; write one like 10.0.0.0/8 or 2001:db8::/32") from None


NetworkText = Annotated[str, StringConstraints(max_length=64), AfterValidator(_network)]


class Body(BaseModel):
    """A request's body: fields that are not ours are refused, so none is set by accident or on the sly."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    def given(self) -> dict[str, Any]:
        """The fields that the caller named, `null` among them."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class View(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(from_attributes=True)


def refuse_null(values: dict[str, Any], *nullable: str) -> dict[str, Any]:
    """Raises ValueError when a patch sets a field to null that has none."""
    for name, value in values.items():
        if value is None and name not in nullable:
            raise ValueError(f"{name} cannot be null; leave it out to keep it as it is")
    return values
