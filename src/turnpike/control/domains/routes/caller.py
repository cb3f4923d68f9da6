"""Whose request an explanation is about: the grant that a relay would have of that key, or of a person's."""

from typing import NamedTuple

import msgspec
from sqlalchemy import select

from turnpike.contract.access import Role
from turnpike.contract.grants import KeyGrant, PersonalAccess
from turnpike.control.db.models import ApiKey, Credential, Department, ProviderSetting, User
from turnpike.control.db.sessions import ReadSession
from turnpike.control.keeper import Keeper
from turnpike.control.web.principal import Principal
from turnpike.errors import NotFound

DEFAULT_TIER = "standard"


class Who(NamedTuple):
    grant: KeyGrant
    key_id: str | None
    user_id: str | None


async def find_caller(
    keeper: Keeper, session: ReadSession, actor: Principal, key_id: str | None, user_id: str | None
) -> Who:
    """The key, or the person, or who asks. Raises NotFound for one that is no more."""
    if user_id is not None:
        return Who(await _of_user(session, user_id), None, user_id)
    key_id = key_id or actor.key_id
    if key_id is None:
        return Who(_made("", "", None, Role.SUPER_ADMIN, ()), None, None)
    digest = (await session.scalars(select(ApiKey.digest).where(ApiKey.id == key_id))).first()
    grant = await keeper.grants.resolve(bytes(digest)) if digest is not None else None
    if grant is None:
        raise NotFound(f"There is no API key {key_id} in use.", details={"param": "key_id"})
    return Who(grant, grant.key_id, grant.user_id)


async def _of_user(session: ReadSession, user_id: str) -> KeyGrant:
    user = await session.get(User, user_id)
    if user is None:
        raise NotFound(f"There is no user {user_id}.", details={"param": "user_id"})
    query = (
        select(ProviderSetting.provider_id, ProviderSetting.use_shared_api, Credential.id)
        .outerjoin(Credential, (Credential.id == ProviderSetting.credential_id) & Credential.is_active)
        .where(ProviderSetting.user_id == user_id, ProviderSetting.is_active)
    )
    rows = (await session.execute(query)).all()
    # What a personal credential says does not matter here, but that there is one.
    personal = tuple(
        PersonalAccess(provider, shared, own, None if own is None else "set") for provider, shared, own in rows
    )
    department = await session.get(Department, user.department_id) if user.department_id else None
    made = _made(user.id, "", user.department_id, user.role, personal)
    return msgspec.structs.replace(made, department_models=tuple(department.models or ()) if department else ())


def _made(
    user_id: str, key_id: str, department_id: str | None, role: str, personal: tuple[PersonalAccess, ...]
) -> KeyGrant:
    return KeyGrant(
        key_id=key_id,
        key_name="",
        user_id=user_id,
        department_id=department_id,
        role=role,
        scopes=0,
        tier=DEFAULT_TIER,
        models=(),
        networks=(),
        expires_at_ms=0,
        personal=personal,
    )
