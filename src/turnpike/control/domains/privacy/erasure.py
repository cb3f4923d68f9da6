"""Removes for ever what tells who somebody was. What they used and cost stays, under an id that means nobody any more.

Statements, not rows: what a row held before would go into the audit log's entry of its change.
"""

import time
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import bindparam, delete, literal, select, update

from turnpike.contract.access import Role
from turnpike.control.audit.entries import current_act
from turnpike.control.db.database import Database
from turnpike.control.db.models import (
    ApiKey,
    Credential,
    EntryLink,
    EventRow,
    GuardDecision,
    Invitation,
    LedgerRow,
    LedgerTotal,
    OwnedObjectRow,
    Password,
    ProviderSetting,
    RouteVersion,
    ScimMember,
    ScimUser,
    Session,
    User,
    UserIdentity,
)
from turnpike.control.db.sessions import WriteSession
from turnpike.control.domains.audit import service as audit
from turnpike.control.domains.identity import leaving
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.privacy import repository
from turnpike.control.rights.policy import Scope
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict
from turnpike.kit.clock import now_ms

ERASED = "erased"
"""What keys of erased people are called."""
BATCH = 1000
WITHIN_S = 10.0
LATE_MS = 7 * 86_400_000
"""How long rows of calls that were under way may still arrive, with the names of then."""
log = structlog.get_logger()
_NAMED: tuple[Any, ...] = (LedgerTotal, GuardDecision, OwnedObjectRow)


def pseudonym(user_id: str) -> str:
    return f"Erased person {user_id[-8:]}"


async def entries_about(database: Database, scope: Scope, user_id: str) -> list[int]:
    """Numbers of the audit log's entries that tell of somebody. Raises NotFound."""
    async with database.read() as session:
        user = await identity.get_user(session, scope, user_id)
        ids = await repository.ids_of(session, user_id, user.email)
        own = await audit.entries_of_person(session, user_id)
    return sorted({*own, *await audit.told_of(database, ids, user.email)})


async def erase(session: WriteSession, actor: Principal, user_id: str, entries: Sequence[int]) -> User:
    """The first and whole part of it, but for names of keys in rows of calls (`finish`). Doing it again does no harm.
    `entries`: as `entries_about` found them. Raises NotFound, Forbidden or Conflict."""
    user = await identity.get_user(session, actor.scope, user_id)
    await identity.check_rank_of(session, actor, user.role, "Erasing this person")
    if user.id == actor.user_id:
        raise Conflict("Another administrator has to do this: the log of it would name you again.")
    if user.erased_at_ms is not None:
        return user
    await identity.keep_a_super_admin(session, user, {"is_active": False})
    email = user.email
    await leaving.shut_out(session, user.id, ERASED)
    await _remove_rows(session, user.id, email)
    await _rename(session, user.id)
    await audit.erase_person(session, user.id, entries)
    session.changes.users([user.id])
    await session.refresh(user)
    return user


async def _remove_rows(session: WriteSession, user_id: str, email: str | None) -> None:
    owned: tuple[Any, ...] = (Session, Password, EntryLink, UserIdentity, ProviderSetting, ScimMember, ScimUser)
    for table in owned:
        await session.execute(delete(table).where(table.user_id == user_id))
    await session.execute(delete(Credential).where(Credential.owner_id == user_id))
    about = Invitation.user_id == user_id
    if email is not None:
        about |= Invitation.email == email
    await session.execute(delete(Invitation).where(about))


async def _rename(session: WriteSession, user_id: str) -> None:
    now = now_ms()
    person = {
        "display_name": pseudonym(user_id),
        "email": None,
        "ext_subject": None,
        "role": Role.USER,
        "department_id": None,
        "is_active": False,
        "erased_at_ms": now,
        "updated_at_ms": now,
    }
    await session.execute(update(User).where(User.id == user_id).values(person))
    key = {"name": ERASED, "prefix": "", "networks": [], "denied_networks": None, "sealed_key": None}
    await session.execute(update(ApiKey).where(ApiKey.user_id == user_id).values(key))
    await _rename_in_events(session, user_id)
    named = update(RouteVersion).where(RouteVersion.made_by == user_id)
    await session.execute(named.values(made_by_name=pseudonym(user_id)))


async def _rename_in_events(session: WriteSession, user_id: str) -> None:
    """Names of the person's keys, in what was told or waits to be told."""
    for row in await session.scalars(select(EventRow).where(EventRow.user_id == user_id)):
        if "name" in row.data:
            row.data = {**row.data, "name": ERASED}
    await session.flush()


async def finish(database: Database, user_id: str) -> bool:
    """Takes the names of the person's keys out of rows of calls, some at a time. False when that is not done yet:
    the periodic task goes on."""
    token = current_act.set(None)  # each of its steps is no act of its own
    try:
        return await _finish(database, user_id)
    finally:
        current_act.reset(token)


async def _finish(database: Database, user_id: str) -> bool:
    ends = time.monotonic() + WITHIN_S
    async with database.write() as session:
        for table in _NAMED:
            rows = update(table).where(table.user_id == user_id, table.key_name != ERASED)
            await session.execute(rows.values(key_name=ERASED), execution_options={"synchronize_session": False})
    some = (
        select(LedgerRow.event_id)
        .where(LedgerRow.user_id == bindparam("user"), LedgerRow.key_name != literal(ERASED))
        .limit(BATCH)
    )
    rename = update(LedgerRow).where(LedgerRow.event_id.in_(some)).values(key_name=ERASED)
    while True:
        async with database.write() as session:
            done: Any = await session.execute(
                rename, {"user": user_id}, execution_options={"synchronize_session": False}
            )
        if done.rowcount < BATCH:
            return True
        if time.monotonic() > ends:
            return False


async def finish_all(database: Database) -> None:
    """What came in late of those who were erased in the last days."""
    async with database.read() as session:
        query = select(User.id).where(User.erased_at_ms > now_ms() - LATE_MS).order_by(User.erased_at_ms)
        ids = (await session.scalars(query)).all()
    for user_id in ids:
        if not await finish(database, user_id):
            log.info("erasure_goes_on", user_id=user_id)
