"""Reading and changing settings. Secrets are never read, not even by the operator."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr, ValidationError
from pydantic_core import PydanticUndefined
from sqlalchemy import select

from turnpike.control.db.models import StoredSetting
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains import catalogued
from turnpike.control.domains.settings.runtime import CHANGEABLE, MAINTENANCE, RuntimeSettings, checked
from turnpike.control.domains.settings.schemas import (
    GatewaySettingView,
    MaintenanceBody,
    MaintenanceView,
    Value,
)
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.envelope import moment
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, InvalidRequest, NotFound
from turnpike.settings import Settings

_ADDRESSES = frozenset(("upstream_proxy",))
"""May hold a user and a password."""
_ERASING = frozenset(("audit_retention_days", "audit_personal_days"))
"""A smaller number of days erases what the audit log has, so they are for who may erase it."""


async def stored(session: ReadSession) -> dict[str, StoredSetting]:
    return {row.name: row for row in await session.scalars(select(StoredSetting))}


def views(runtime: RuntimeSettings, rows: Mapping[str, StoredSetting]) -> list[GatewaySettingView]:
    return [view(runtime, name, rows.get(name)) for name in Settings.model_fields]


def view(runtime: RuntimeSettings, name: str, row: StoredSetting | None) -> GatewaySettingView:
    """Raises NotFound."""
    field = Settings.model_fields.get(name)
    if field is None:
        raise NotFound(f"There is no setting {name[:64]}.")
    value = row.value["value"] if row is not None else getattr(runtime.base, name)
    default = None if field.default is PydanticUndefined else field.default
    secret = _is_secret(name)
    from_environment = name in runtime.base.model_fields_set and getattr(runtime.base, name) != default
    return GatewaySettingView(
        name=name,
        variable=f"TURNPIKE_{name.upper()}",
        kind="secret" if secret else _kind(default if value is None else value),
        value=None if secret else _plain(value),
        is_set=value is not None,
        source="stored" if row is not None else "environment" if from_environment else "default",
        default=None if secret else _plain(default),
        description=field.description or "",
        changeable=name in CHANGEABLE,
        changed_by=row.changed_by if row is not None else None,
        changed_at=moment(row.updated_at_ms) if row is not None else None,
    )


def _is_secret(name: str) -> bool:
    annotation = str(Settings.model_fields[name].annotation)
    return "SecretStr" in annotation or name in _ADDRESSES


def _plain(value: Any) -> Value:
    if isinstance(value, SecretStr):
        return None
    if isinstance(value, StrEnum | Path):
        return str(value)
    return [str(each) for each in cast("tuple[Any, ...]", value)] if isinstance(value, tuple) else value


def _kind(value: Any) -> str:
    kinds = ((bool, "boolean"), (int, "integer"), (float, "number"), (tuple, "list"))
    return next((word for kind, word in kinds if isinstance(value, kind)), "string")


async def change(
    session: WriteSession, runtime: RuntimeSettings, actor: Principal, name: str, value: Any
) -> GatewaySettingView:
    """Raises NotFound, Conflict for a setting that only a restart changes, InvalidRequest for a value that is none,
    ScopeMissing for one that takes more."""
    _check_changeable(actor, name)
    try:
        fit = checked(name, value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise InvalidRequest(f"value: {reason}", details={"param": "value", "setting": name}) from None
    row = await _put(session, actor, name, {"value": fit})
    return view(runtime, name, row)


async def forget(session: WriteSession, runtime: RuntimeSettings, actor: Principal, name: str) -> GatewaySettingView:
    """The environment's value is in force again. Raises NotFound, Conflict or ScopeMissing."""
    _check_changeable(actor, name)
    row = await session.get(StoredSetting, name)
    if row is not None:
        await catalogued.remove(session, row)
    return view(runtime, name, None)


def _check_changeable(actor: Principal, name: str) -> None:
    if name not in Settings.model_fields:
        raise NotFound(f"There is no setting {name[:64]}.")
    if name not in CHANGEABLE:
        raise Conflict(
            f"{name} is read when the gateway starts: set TURNPIKE_{name.upper()} and restart. These may be changed "
            f"while it runs: {', '.join(CHANGEABLE)}.",
            details={"changeable": list(CHANGEABLE)},
        )
    if name in _ERASING:
        actor.reaching(Permission.ERASE_AUDIT)


async def _put(session: WriteSession, actor: Principal, name: str, value: dict[str, Any]) -> StoredSetting:
    row = await session.get(StoredSetting, name, with_for_update=True)
    if row is None:
        row = StoredSetting(name=name, value=value, changed_by=actor.user_id)
        session.add(row)
    else:
        row.value, row.changed_by = value, actor.user_id
    await session.flush()
    session.changes.catalog()
    return row


# ---- maintenance


async def maintenance(session: ReadSession) -> MaintenanceView:
    return _view_maintenance(await session.get(StoredSetting, MAINTENANCE))


async def set_maintenance(session: WriteSession, actor: Principal, body: MaintenanceBody) -> MaintenanceView:
    """In force at every relay and in the platform API within a second; administrators go on."""
    return _view_maintenance(await _put(session, actor, MAINTENANCE, body.model_dump()))


def _view_maintenance(row: StoredSetting | None) -> MaintenanceView:
    value: dict[str, Any] = row.value if row is not None else {"on": False}
    return MaintenanceView(
        on=value["on"],
        message=value.get("message"),
        retry_after_s=value.get("retry_after_s"),
        changed_by=row.changed_by if row is not None else None,
        changed_at=moment(row.updated_at_ms) if row is not None else None,
    )
