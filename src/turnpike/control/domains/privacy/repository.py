"""Queries on everything that is held about one person. Never commits."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Select, Table, or_, select, tuple_

from turnpike.control.db.models import (
    ApiKey,
    Budget,
    Credential,
    Department,
    EntryLink,
    EventRow,
    GuardDecision,
    Invitation,
    Issuer,
    Limit,
    OwnedObjectRow,
    Password,
    Provider,
    ProviderSetting,
    RouteVersion,
    ScimGroup,
    ScimMember,
    ScimToken,
    ScimUser,
    Session,
    User,
    UserIdentity,
)
from turnpike.control.db.sessions import ReadSession

Values = dict[str, Any]
_SECRETS = frozenset(("digest", "sealed", "sealed_key", "sealed_id_token", "hash", "event_id", "user_name_key"))
DECISIONS: Any = GuardDecision.__table__
_PLACE = (DECISIONS.c.event_id, DECISIONS.c.number, DECISIONS.c.place)


async def person(session: ReadSession, user_id: str) -> Values | None:
    """The profile; None for nobody."""
    user = await session.get(User, user_id)
    if user is None:
        return None
    department = await session.get(Department, user.department_id) if user.department_id else None
    password = await session.get(Password, user_id)
    return {
        **_open(User.__table__, user),
        "department": department.name if department else None,
        "password_changed_at_ms": password.changed_at_ms if password else None,
    }


async def ids_of(session: ReadSession, user_id: str, email: str | None) -> frozenset[str]:
    """Of the person and of what is theirs alone."""
    owned: tuple[Any, ...] = (ApiKey, Session, EntryLink, UserIdentity, ProviderSetting)
    found = {user_id}
    for table in owned:
        found.update(await session.scalars(select(table.id).where(table.user_id == user_id)))
    found.update(await session.scalars(select(Credential.id).where(Credential.owner_id == user_id)))
    invited = Invitation.user_id == user_id
    found.update(await session.scalars(select(Invitation.id).where(invited | (Invitation.email == (email or "")))))
    return frozenset(found)


async def small_parts(session: ReadSession, user_id: str, email: str | None) -> dict[str, list[Values]]:
    """What is little of: each part by its name, without any secret."""
    invited = [Invitation.user_id == user_id, Invitation.invited_by == user_id]
    invited += [Invitation.email == email] if email else []
    rows: dict[str, Select[Any]] = {
        "sessions": select(Session).where(Session.user_id == user_id).order_by(Session.id),
        "api_keys": select(ApiKey).where(ApiKey.user_id == user_id).order_by(ApiKey.id),
        "one_time_links": select(EntryLink).where(EntryLink.user_id == user_id),
        "invitations": select(Invitation).where(or_(*invited)).order_by(Invitation.id),
        "provider_settings": select(ProviderSetting).where(ProviderSetting.user_id == user_id),
        "provider_credentials": select(Credential).where(Credential.owner_id == user_id),
        "limits": select(Limit).where(Limit.subject == "user", Limit.name == user_id),
        "budgets": select(Budget).where(Budget.kind == "user", Budget.subject == user_id),
        "objects_at_providers": select(OwnedObjectRow).where(OwnedObjectRow.user_id == user_id),
        "events": select(EventRow).where(EventRow.user_id == user_id).order_by(EventRow.id),
        "provisioned": select(ScimUser).where(ScimUser.user_id == user_id),
        "provisioning_tokens": select(ScimToken).where(ScimToken.created_by == user_id),
        "route_changes": select(RouteVersion).where(RouteVersion.made_by == user_id).order_by(RouteVersion.id),
    }
    found = {name: [_open(row.__table__, row) for row in await session.scalars(query)] for name, query in rows.items()}
    joined: dict[str, Any] = {
        "identities": select(Issuer.slug.label("issuer"), UserIdentity.subject, UserIdentity.created_at_ms)
        .join(Issuer, Issuer.id == UserIdentity.issuer_id)
        .where(UserIdentity.user_id == user_id),
        "groups": select(ScimGroup.id, ScimGroup.display_name, ScimGroup.external_id)
        .join(ScimMember, ScimMember.group_id == ScimGroup.id)
        .where(ScimMember.user_id == user_id),
        "providers": select(Provider.id, Provider.slug)
        .join(ProviderSetting, ProviderSetting.provider_id == Provider.id)
        .where(ProviderSetting.user_id == user_id),
    }
    for name, query in joined.items():
        found[name] = [dict(row) for row in (await session.execute(query)).mappings()]
    return found


def _open(table: Any, row: object) -> Values:
    columns: Sequence[Column[Any]] = table.columns if isinstance(table, Table) else ()
    return {column.name: getattr(row, column.name) for column in columns if column.name not in _SECRETS}


async def decisions_after(
    session: ReadSession, user_id: str, after: tuple[bytes, int, int] | None, limit: int
) -> tuple[list[Values], tuple[bytes, int, int] | None]:
    """What guards decided of the person's calls, and where to go on; None: there is no more."""
    query = select(DECISIONS).where(DECISIONS.c.user_id == user_id).order_by(*_PLACE).limit(limit)
    if after is not None:
        query = query.where(tuple_(*_PLACE) > tuple_(*after))
    rows: list[Values] = [dict(row._mapping) for row in await session.execute(query)]
    values = [{name: value for name, value in row.items() if name not in _SECRETS} for row in rows]
    if len(rows) < limit:
        return values, None
    last = rows[-1]
    return values, (bytes(last["event_id"]), last["number"], last["place"])
