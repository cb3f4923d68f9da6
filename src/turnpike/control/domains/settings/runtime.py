"""Settings that may be changed while the gateway runs, and how a change comes into force.

What is stored goes before the environment's value. Every control process reads the stored values with each snapshot it
compiles (keeper.py), so a change is at work everywhere within a second; readers ask for `ControlServices.settings`
anew each time. Only what control itself reads that way is here: a relay's settings are handed to it when it starts.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
import structlog
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select

from turnpike.contract.snapshot import MaintenanceSpec
from turnpike.control.db.models import StoredSetting
from turnpike.control.db.sessions import ReadSession
from turnpike.settings import Settings

MAINTENANCE = "maintenance"
"""Name of the row that closes the gateway; it is no setting of the environment."""
CHANGEABLE = (
    "require_if_match",
    "api_key_lifetime_days",
    "api_key_rotation_days",
    "api_key_rotation_grace_hours",
    "local_accounts",
    "password_min_length",
    "password_min_score",
    "entry_link_hours",
    "audit_sign_every_s",
    "audit_retention_days",
    "audit_personal_days",
    "metrics_open",
)
log = structlog.get_logger()


def checked(name: str, value: Any) -> Any:
    """`value` as the setting's own type and bounds have it. Raises ValidationError."""
    field = Settings.model_fields[name]
    annotation: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    return TypeAdapter(annotation).validate_python(value)


class RuntimeSettings:
    """The settings in force. `on_change` is told each time they are others."""

    def __init__(self, base: Settings) -> None:
        self.base = base
        self.stored: dict[str, Any] = {}
        self.in_force = base
        self.on_change: Callable[[Settings], None] = lambda _: None

    async def follow(self, session: ReadSession) -> MaintenanceSpec | None:
        """Takes up what is stored now; returns how the gateway is closed, if it is."""
        rows = (await session.execute(select(StoredSetting.name, StoredSetting.value))).all()
        values = {row.name: row.value for row in rows}
        self._take({name: value["value"] for name, value in values.items() if name in CHANGEABLE})
        return maintenance_of(values.get(MAINTENANCE))

    def _take(self, stored: Mapping[str, Any]) -> None:
        usable: dict[str, Any] = {}
        for name, value in stored.items():
            try:
                usable[name] = checked(name, value)
            except ValidationError as error:
                # Written by another version: the environment's value stays in force.
                log.warning("stored_setting_unusable", setting=name, errors=error.error_count())
        if usable != self.stored:
            self.stored = usable
            self.in_force = self.base.model_copy(update=usable)
            self.on_change(self.in_force)


def maintenance_of(value: Mapping[str, Any] | None) -> MaintenanceSpec | None:
    if value is None or not value.get("on"):
        return None
    return msgspec.convert({name: value[name] for name in ("message", "retry_after_s")}, MaintenanceSpec)
