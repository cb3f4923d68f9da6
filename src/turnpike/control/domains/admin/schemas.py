"""Bodies and answers of /api/v1/admin and /api/v1/health."""

from pydantic import Field

from turnpike.control.web.envelope import Moment
from turnpike.control.web.fields import Body, View


class RotateSecretsBody(Body):
    new_key: bool | None = Field(
        default=None, description="Make a new key first; without it, where the keys are in the gateway's own file."
    )
    forget_old_keys: bool = Field(
        default=False, description="Remove the older keys afterwards. Backups from before can then not be read."
    )


class RotatedView(View):
    reencrypted: int
    unreadable: int = Field(description="Values that none of the keys opens; the log names them.")
    new_key: bool
    keys: int = Field(description="Keys in use now.")
    forgotten: int


class HealthView(View):
    status: str = Field(description="healthy or degraded")
    version: str
    checks: dict[str, str] = Field(description="`ok`, or what is wrong, for each thing that control depends on.")
    timestamp: Moment
