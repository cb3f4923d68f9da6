"""Groups of an identity provider. They are kept for their members, to whom mappings give a role or a department."""

from collections.abc import AsyncIterator, Iterable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from scim2_models import (
    InvalidValueException,
    Meta,
    NotFoundException,
    PreconditionFailedException,
    Reference,
    Resource,
    SearchRequest,
)
from scim2_models.path import CompareOperator, Comparison
from scim2_server.storage import SearchPage
from sqlalchemy import Select, delete, func, insert, or_, select

from turnpike.control.db.models import ScimGroup, ScimMember, ScimUser, User
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.scim import mappings, searching
from turnpike.control.domains.scim.names import name_key
from turnpike.control.domains.scim.resources import Group, Member
from turnpike.kit.clock import from_ms

CHUNK = 200
_AT_ONCE = 500


class Groups:
    def __init__(self, session: ReadSession, most: mappings.Ceiling) -> None:
        self._session = session
        self._most = most

    @property
    def _writing(self) -> WriteSession:
        assert isinstance(self._session, WriteSession)
        return self._session

    # ---- reading

    async def get(self, group_id: str, without: frozenset[str]) -> Group:
        """Raises NotFoundException."""
        row = await self._row(group_id)
        return (await self._resources([row], without))[0]

    async def _row(self, group_id: str, *, lock: bool = False) -> ScimGroup:
        query = select(ScimGroup).where(ScimGroup.id == group_id)
        row = (await self._session.scalars(query.with_for_update() if lock else query)).first()
        if row is None:
            raise NotFoundException(detail=f"There is no group {group_id[:64]}.")
        return row

    async def search(self, request: SearchRequest[Any], without: frozenset[str]) -> SearchPage:
        query = select(ScimGroup)
        if request.filter is None and request.sort_by is None:
            total = (await self._session.execute(select(func.count()).select_from(ScimGroup))).scalar_one()
            page = query.order_by(ScimGroup.created_at_ms, ScimGroup.id).offset(request.start_index_0 or 0)
            rows = (await self._session.scalars(page.limit(request.count))).all()
            return SearchPage(total, [*await self._resources(rows, without)])
        condition = searching.narrowed(request.filter.ast, _condition) if request.filter is not None else None
        # Members are many; they are read for the filter's sake only where it speaks of them.
        unread = without - {"members"} if "members" in str(request.filter or "").lower() else without
        chunks = self._chunks(query if condition is None else query.where(condition), unread)
        return await searching.sifted(chunks, request)

    async def _chunks(
        self, query: Select[ScimGroup], without: frozenset[str]
    ) -> AsyncIterator[Sequence[Resource[Any]]]:
        last = ""
        while True:
            part = query.where(ScimGroup.id > last).order_by(ScimGroup.id).limit(CHUNK)
            rows = (await self._session.scalars(part)).all()
            if rows:
                last = rows[-1].id
                yield await self._resources(rows, without)
            if len(rows) < CHUNK:
                return

    async def _resources(self, rows: Sequence[ScimGroup], without: frozenset[str]) -> list[Group]:
        members: dict[str, list[str]] = {row.id: [] for row in rows}
        if "members" not in without and rows:
            query = select(ScimMember.group_id, ScimMember.user_id).where(ScimMember.group_id.in_(list(members)))
            for group_id, user_id in await self._session.execute(query.order_by(ScimMember.user_id)):
                members[group_id].append(user_id)
        return [_resource(row, members[row.id]) for row in rows]

    # ---- changing

    async def create(self, wanted: Group) -> Group:
        """Raises InvalidValueException, and Forbidden of ours."""
        session = self._writing
        row = ScimGroup()
        _fill(row, wanted)
        session.add(row)
        await session.flush()
        ids = await self._meant(wanted)
        await self._add(row.id, ids)
        await mappings.apply(session, self._most, ids)
        return (await self._resources([row], frozenset()))[0]

    async def update(self, wanted: Group, expected_version: str | None) -> Group:
        """Raises NotFoundException, PreconditionFailedException, InvalidValueException, and Forbidden of ours."""
        session = self._writing
        row = await self._row(str(wanted.id), lock=True)
        current = (await self._resources([row], frozenset()))[0]
        _check_version(current, expected_version)
        before = {str(each.value) for each in current.members or ()}
        after = await self._meant(wanted)
        renamed = row.name_key != name_key(wanted.display_name or "")
        _fill(row, wanted)
        await session.flush()
        await self._add(row.id, after - before)
        await self._drop(row.id, before - after)
        await mappings.apply(session, self._most, before | after if renamed else before ^ after)
        return (await self._resources([row], frozenset()))[0]

    async def delete(self, group_id: str, expected_version: str | None) -> None:
        """What it gave goes with it. Raises as `update`."""
        session = self._writing
        row = await self._row(group_id, lock=True)
        current = (await self._resources([row], frozenset()))[0]
        _check_version(current, expected_version)
        before = {str(each.value) for each in current.members or ()}
        await self._drop(row.id, before)
        await session.delete(row)
        await session.flush()
        await mappings.apply(session, self._most, before)

    async def _meant(self, wanted: Group) -> set[str]:
        """Ids of its members. Raises InvalidValueException for what is no person here."""
        ids: set[str] = set()
        for each in wanted.members or ():
            if (each.type or "User").lower() != "user":
                raise InvalidValueException(detail="members: groups in groups are not known here; send their people.")
            ids.add(str(each.value))
        missing = set(ids)
        for part in _parts(sorted(ids)):
            there = or_(ScimUser.user_id.is_(None), ScimUser.deleted_at_ms.is_(None))
            query = select(User.id).outerjoin(ScimUser, ScimUser.user_id == User.id)
            known = query.where(User.id.in_(part), User.erased_at_ms.is_(None), there)
            missing -= set(await self._session.scalars(known))
        if missing:
            raise InvalidValueException(detail=f"members: there is no user {min(missing)[:64]}.")
        return ids

    async def _add(self, group_id: str, user_ids: Iterable[str]) -> None:
        for part in _parts(sorted(user_ids)):
            rows = [{"group_id": group_id, "user_id": user_id} for user_id in part]
            await self._writing.execute(insert(ScimMember), rows)

    async def _drop(self, group_id: str, user_ids: Iterable[str]) -> None:
        for part in _parts(sorted(user_ids)):
            gone = delete(ScimMember).where(ScimMember.group_id == group_id, ScimMember.user_id.in_(part))
            await self._writing.execute(gone)


def _parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _resource(row: ScimGroup, members: Sequence[str]) -> Group:
    resource = Group(
        id=row.id,
        external_id=row.external_id,
        display_name=row.display_name,
        members=[Member(value=each, type="User", ref=Reference(f"Users/{each}")) for each in members] or None,
    )
    parts = [row.external_id, row.display_name, row.updated_at_ms, sorted(members)]
    version = blake2b(msgspec.json.encode(parts), digest_size=12).hexdigest()
    resource.meta = Meta(
        resource_type="Group",
        created=from_ms(row.created_at_ms),
        last_modified=from_ms(row.updated_at_ms),
        version=f'W/"{version}"',
    )
    return resource


def _check_version(current: Group, expected: str | None) -> None:
    if expected is not None and current.meta is not None and current.meta.version != expected:
        raise PreconditionFailedException(detail="Somebody changed this group meanwhile.")


def _fill(row: ScimGroup, wanted: Group) -> None:
    name = (wanted.display_name or "").strip()
    if not 0 < len(name) <= 255 or len(wanted.external_id or "") > 255:
        raise InvalidValueException(detail="displayName and externalId: 255 characters at most.")
    row.display_name, row.name_key, row.external_id = name, name_key(name), wanted.external_id


def _condition(name: str, node: Comparison) -> Any:
    if node.op is not CompareOperator.eq or not isinstance(node.value, str):
        return None
    if name == "id":
        return ScimGroup.id == node.value
    if name == "externalid":
        return ScimGroup.external_id == node.value
    if name == "displayname":
        return ScimGroup.name_key == name_key(node.value)
    if name in ("members", "members.value"):
        return ScimGroup.id.in_(select(ScimMember.group_id).where(ScimMember.user_id == node.value))
    return None
