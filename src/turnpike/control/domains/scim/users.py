"""People as an identity provider sees and changes them: everybody but who was erased, or deleted by a provider."""

from collections.abc import AsyncIterator, Sequence
from hashlib import blake2b
from typing import Any, cast

import msgspec
from scim2_models import (
    InvalidValueException,
    Meta,
    NotFoundException,
    PreconditionFailedException,
    Reference,
    Resource,
    SearchRequest,
    UniquenessException,
)
from scim2_models.path import CompareOperator, Comparison
from scim2_server.storage import SearchPage
from sqlalchemy import Select, delete, func, or_, select

from turnpike.contract.access import Role
from turnpike.control.db.models import Password, ScimGroup, ScimMember, ScimUser, UserIdentity
from turnpike.control.db.models import User as UserRow
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.identity import telling
from turnpike.control.domains.scim import searching
from turnpike.control.domains.scim.emails import email_of
from turnpike.control.domains.scim.mappings import Ceiling, check_reach
from turnpike.control.domains.scim.names import name_key
from turnpike.control.domains.scim.resources import Email, Membership, Name, User
from turnpike.kit.clock import from_ms, now_ms
from turnpike.kit.pagination import escape_like

CHUNK = 500
Row = tuple[UserRow, ScimUser | None]
_IN_TEXT = ("username", "displayname", "emails", "emails.value", "name.formatted", "name.givenname", "name.familyname")


def _visible() -> Select[UserRow, ScimUser | None]:
    there = or_(ScimUser.user_id.is_(None), ScimUser.deleted_at_ms.is_(None))
    query = select(UserRow, ScimUser).outerjoin(ScimUser, ScimUser.user_id == UserRow.id)
    return cast("Select[UserRow, ScimUser | None]", query.where(UserRow.erased_at_ms.is_(None), there))


class Users:
    def __init__(self, session: ReadSession, most: Ceiling) -> None:
        self._session = session
        self._most = most

    @property
    def _writing(self) -> WriteSession:
        assert isinstance(self._session, WriteSession)
        return self._session

    # ---- reading

    async def get(self, user_id: str, without: frozenset[str]) -> User:
        """Raises NotFoundException."""
        row = await self._row(user_id)
        return (await self._resources([row], without))[0]

    async def _row(self, user_id: str, *, lock: bool = False) -> Row:
        query = _visible().where(UserRow.id == user_id)
        row = (await self._session.execute(query.with_for_update(of=UserRow) if lock else query)).first()
        if row is None:
            raise NotFoundException(detail=f"There is no user {user_id[:64]}.")
        return row[0], row[1]

    async def search(self, request: SearchRequest[Any], without: frozenset[str]) -> SearchPage:
        query = _visible()
        if request.filter is None and request.sort_by is None:
            total = (await self._session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
            page = query.order_by(UserRow.created_at_ms, UserRow.id).offset(request.start_index_0 or 0)
            rows = (await self._session.execute(page.limit(request.count))).all()
            return SearchPage(total, [*await self._resources([(row[0], row[1]) for row in rows], without)])
        condition = searching.narrowed(request.filter.ast, _condition) if request.filter is not None else None
        return await searching.sifted(self._chunks(query if condition is None else query.where(condition)), request)

    async def _chunks(self, query: Select[UserRow, ScimUser | None]) -> AsyncIterator[Sequence[Resource[Any]]]:
        """Whole resources: the filter may look at anything."""
        last = ""
        while True:
            part = query.where(UserRow.id > last).order_by(UserRow.id).limit(CHUNK)
            rows = [(row[0], row[1]) for row in await self._session.execute(part)]
            if rows:
                last = rows[-1][0].id
                yield await self._resources(rows, frozenset())
            if len(rows) < CHUNK:
                return

    async def _resources(self, rows: Sequence[Row], without: frozenset[str]) -> list[User]:
        groups: dict[str, list[Membership]] = {}
        if "groups" not in without and rows:
            query = (
                select(ScimMember.user_id, ScimGroup.id, ScimGroup.display_name)
                .join(ScimGroup, ScimGroup.id == ScimMember.group_id)
                .where(ScimMember.user_id.in_([row.id for row, _ in rows]))
                .order_by(ScimGroup.id)
            )
            for user_id, group_id, name in await self._session.execute(query):
                membership = Membership(value=group_id, display=name, ref=Reference(f"Groups/{group_id}"))
                groups.setdefault(user_id, []).append(membership)
        return [_resource(user, scim, groups.get(user.id)) for user, scim in rows]

    # ---- changing

    async def create(self, wanted: User) -> User:
        """Raises UniquenessException or InvalidValueException."""
        session = self._writing
        values = _values(wanted)
        await self._check_name(wanted, None)
        await self._check_email(values["email"], None)
        user = UserRow(role=Role.USER, ext_subject=await self._subject(wanted.external_id, None), **values)
        session.add(user)
        await session.flush()
        telling.created(session, user)
        scim = ScimUser(user_id=user.id)
        _fill(scim, wanted)
        session.add(scim)
        await session.flush()
        return (await self._resources([(user, scim)], frozenset()))[0]

    async def update(self, wanted: User, expected_version: str | None) -> User:
        """Raises NotFoundException, PreconditionFailedException, UniquenessException, InvalidValueException, and
        Forbidden or Conflict of ours."""
        session = self._writing
        user, scim = await self._row(str(wanted.id), lock=True)
        _check_version(_resource(user, scim, None), expected_version)
        await check_reach(self._session, self._most, user.role)
        values = _values(wanted)
        if wanted.active is None:
            values["is_active"] = user.is_active  # what says nothing of it lets nobody in again
        await self._check_name(wanted, user.id)
        await self._check_email(values["email"], user.id)
        external = wanted.external_id
        if external != (scim.external_id if scim is not None else None):
            values["ext_subject"] = await self._subject(external, user.id)
        await identity.apply_change(session, user, values)
        if scim is None:
            scim = ScimUser(user_id=user.id)
            session.add(scim)
        _fill(scim, wanted)
        await session.flush()
        return (await self._resources([(user, scim)], frozenset()))[0]

    async def delete(self, user_id: str, expected_version: str | None) -> None:
        """The person may come in no more, and no provider sees them again; whoever is provisioned later with the same
        name is somebody else. What they used stays in the ledger. Raises as `update`."""
        session = self._writing
        user, scim = await self._row(user_id, lock=True)
        _check_version(_resource(user, scim, None), expected_version)
        await check_reach(self._session, self._most, user.role)
        gone = {"is_active": False, "email": None, "ext_subject": None, "department_id": None}
        await identity.apply_change(session, user, gone)
        for table in (UserIdentity, Password, ScimMember):
            await session.execute(delete(table).where(table.user_id == user.id))
        if scim is None:
            scim = ScimUser(user_id=user.id)
            session.add(scim)
        scim.user_name, scim.user_name_key = "", f"deleted:{user.id}"
        scim.external_id, scim.document, scim.deleted_at_ms = None, "{}", now_ms()
        await session.flush()

    # ---- what must be one person's alone

    async def _check_name(self, wanted: User, own_id: str | None) -> None:
        key = name_key(wanted.user_name or "")
        named = or_(ScimUser.user_name_key == key, ScimUser.user_id.is_(None) & (UserRow.email == key))
        other = (await self._session.execute(_visible().where(named, UserRow.id != (own_id or "")))).first()
        if other is not None:
            raise UniquenessException(detail="Somebody else has this userName.")

    async def _check_email(self, email: str | None, own_id: str | None) -> None:
        if email is None:
            return
        taken = select(UserRow.id).where(UserRow.email == email, UserRow.id != (own_id or ""))
        if (await self._session.scalars(taken)).first() is not None:
            raise UniquenessException(detail="Somebody else has this e-mail address.")

    async def _subject(self, external: str | None, own_id: str | None) -> str | None:
        """The externalId, where nobody else has it: an issuer's token may name the person by it."""
        if not external:
            return None
        taken = select(UserRow.id).where(UserRow.ext_subject == external, UserRow.id != (own_id or ""))
        return None if (await self._session.scalars(taken)).first() is not None else external


# ---- a row and a resource


def _resource(user: UserRow, scim: ScimUser | None, groups: list[Membership] | None) -> User:
    kept: dict[str, Any] = msgspec.json.decode(scim.document) if scim is not None else {}
    emails = kept.get("emails", [{"value": user.email, "primary": True}] if scim is None and user.email else None)
    resource = User(
        id=user.id,
        external_id=scim.external_id if scim is not None else None,
        user_name=scim.user_name if scim is not None else user.email or user.id,
        name=Name(**kept["name"]) if kept.get("name") else None,
        display_name=user.display_name if scim is None or kept.get("named") else None,
        active=user.is_active,
        emails=[Email(**each) for each in emails] if emails else None,
    )
    changed = max(user.updated_at_ms, scim.updated_at_ms if scim is not None else 0)
    version = blake2b(msgspec.json.encode(resource.model_dump()), digest_size=12).hexdigest()
    resource.groups = groups
    resource.meta = Meta(
        resource_type="User",
        created=from_ms(user.created_at_ms),
        last_modified=from_ms(changed),
        version=f'W/"{version}"',
    )
    return resource


def _check_version(current: User, expected: str | None) -> None:
    if expected is not None and current.meta is not None and current.meta.version != expected:
        raise PreconditionFailedException(detail="Somebody changed this user meanwhile.")


def _values(wanted: User) -> dict[str, Any]:
    """What of a resource a user has here."""
    name = wanted.name or Name()
    parts = " ".join(part for part in (name.given_name, name.family_name) if part)
    shown = wanted.display_name or name.formatted or parts or wanted.user_name or ""
    if len(wanted.user_name or "") > 255 or not (wanted.user_name or "").strip():
        raise InvalidValueException(detail="userName: 1 to 255 characters are needed.")
    if len(wanted.external_id or "") > 255:
        raise InvalidValueException(detail="externalId: 255 characters at most.")
    return {
        "display_name": "".join(each for each in shown if each.isprintable())[:200] or "?",
        "email": email_of(wanted),
        "is_active": wanted.active is not False,
    }


def _fill(scim: ScimUser, wanted: User) -> None:
    kept: dict[str, Any] = {}
    if wanted.name is not None:
        kept["name"] = {key: getattr(wanted.name, key) for key in ("formatted", "given_name", "family_name")}
    if wanted.emails:
        kept["emails"] = [{key: getattr(each, key) for key in ("value", "type", "primary")} for each in wanted.emails]
    if wanted.display_name is not None:
        kept["named"] = True
    scim.user_name, scim.user_name_key = wanted.user_name or "", name_key(wanted.user_name or "")
    scim.external_id = wanted.external_id
    scim.document = msgspec.json.encode(kept).decode()


# ---- filters


def _condition(name: str, node: Comparison) -> Any:
    value = node.value
    if name == "id" and node.op is CompareOperator.eq:
        return UserRow.id == value
    if name == "externalid" and node.op is CompareOperator.eq:
        return ScimUser.external_id == value
    if name == "active" and node.op is CompareOperator.eq and isinstance(value, bool):
        return UserRow.is_active == value
    if name == "groups.value" and node.op is CompareOperator.eq:
        return UserRow.id.in_(select(ScimMember.user_id).where(ScimMember.group_id == value))
    if name == "username" and node.op is CompareOperator.eq and isinstance(value, str):
        key = name_key(value)
        unseen = ScimUser.user_id.is_(None) & or_(UserRow.email == key, UserRow.id == value)
        return or_(ScimUser.user_name_key == key, unseen)
    text = searching.plain_text(node)
    if text is None or name not in _IN_TEXT:
        return None
    held = (UserRow.display_name, UserRow.email, UserRow.id, ScimUser.user_name, ScimUser.document)
    return or_(*(column.ilike(f"%{escape_like(text)}%", escape="\\") for column in held))
