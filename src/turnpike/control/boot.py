"""What must be there before control serves: folders, secrets, tables, an administrator, a first key.

Idempotent: a start that finds all of it does next to nothing.
"""

import hmac
import os
from dataclasses import dataclass

from sqlalchemy import select, update

from turnpike.contract.access import Role
from turnpike.contract.grants import KEY_PREFIX, key_digest
from turnpike.contract.scopes import SCOPES
from turnpike.control.audit.entries import GATEWAY, Draft
from turnpike.control.db.database import Database
from turnpike.control.db.migrate import upgrade
from turnpike.control.db.models import ApiKey, Credential, Meta, User
from turnpike.control.db.sessions import WriteSession
from turnpike.control.infra.secrets import CannotOpen, Keyring, Sealer, load_keyring
from turnpike.errors import ConfigurationError
from turnpike.kit.clock import now_ms
from turnpike.kit.crypto import random_text
from turnpike.kit.files import private_folder, write_private
from turnpike.settings import Settings

FIRST_ADMINISTRATOR = "Administrator"
FIRST_KEY = "first key"
SHOWN_PREFIX = 10
_CHECKED = b"turnpike"


@dataclass(frozen=True)
class Prepared:
    """What a start found and made."""

    found_revision: str | None
    revision: str
    first_key: str | None = None
    """Made just now; it is in settings.first_key_file as well."""

    def __repr__(self) -> str:
        made = ", first key made" if self.first_key else ""
        return f"Prepared({self.found_revision} -> {self.revision}{made})"


def prepare_folders(settings: Settings) -> None:
    """Raises ConfigurationError."""
    private_folder(settings.data_dir.resolve())
    private_folder(settings.run_dir, own=not settings.run_dir.is_relative_to(settings.data_dir.resolve()))
    private_folder(settings.journal_dir)


def prepare_secrets(settings: Settings) -> Keyring:
    """Raises ConfigurationError."""
    return load_keyring(settings)


async def prepare(settings: Settings, keyring: Keyring | None = None, *, check: bool = True) -> Prepared:
    """Everything, in order. Raises ConfigurationError, or one of db.database.UNREACHABLE.

    `check`: refuse secrets that are not those of this database; an operator who mends just that leaves it out.
    """
    prepare_folders(settings)
    keyring = keyring or prepare_secrets(settings)
    found, revision = await upgrade(settings)
    database = Database(settings)
    try:
        await note_upgrade(database, found, revision)
        if check:
            await check_secrets(settings, database, keyring)
        key = await make_first_key(settings, database, keyring)
    finally:
        await database.close()
    return Prepared(found, revision, key)


async def note_upgrade(
    database: Database, found: str | None, revision: str, actor_kind: str = GATEWAY, actor: str | None = None
) -> None:
    """Another revision of the tables is a change like any other. `actor`: the operator's account."""
    if found == revision:
        return
    draft = Draft(
        "database.upgrade",
        now_ms(),
        actor_kind=actor_kind,
        object_kind="database",
        changes={"revision": [found, revision]},
        personal={"actor": actor} if actor else {},
    )
    async with database.write() as session:
        session.audit.append(draft)


async def check_secrets(settings: Settings, database: Database, keyring: Keyring) -> None:
    """Raises ConfigurationError when the database was written with other secrets: a lost or another machine's file."""
    digest = key_digest(_CHECKED, keyring.pepper).hex()
    async with database.read() as session:
        stored = (await session.scalars(select(Meta.pepper_check))).one()
        sealed = (await session.scalars(select(Credential.sealed).limit(1))).first()
        any_key = (await session.scalars(select(ApiKey.id).where(ApiKey.revoked_at_ms.is_(None)).limit(1))).first()
    source = str(settings.secrets_file) if settings.key_pepper is None else "TURNPIKE_KEY_PEPPER"
    if stored is not None and not hmac.compare_digest(stored, digest) and any_key is not None:
        raise ConfigurationError(
            f"The key pepper ({source}) is not the one that this database's API keys were made with, so none of them "
            "would be known. Restore it. If it is lost, revoke the keys with `turnpike keys revoke` while no server "
            "runs, then start again: a new first key is made."
        )
    if sealed is not None:
        _check_sealed(settings, keyring, sealed)
    if stored != digest:
        async with database.write() as session:
            await session.execute(update(Meta).where(Meta.id == 1).values(pepper_check=digest))


def _check_sealed(settings: Settings, keyring: Keyring, sealed: str) -> None:
    source = str(settings.secrets_file) if keyring.file is not None else "TURNPIKE_SECRET_KEYS"
    try:
        Sealer(keyring).open(sealed)
    except CannotOpen as error:
        raise ConfigurationError(
            f"The encryption keys ({source}) do not open the provider keys in this database. Restore the right ones; "
            "if they are lost, remove the providers' credentials while no server runs and enter them anew."
        ) from error


async def make_first_key(settings: Settings, database: Database, keyring: Keyring) -> str | None:
    """On a database without a working super admin's key: the key, which is also written to its file. Else None."""
    async with database.read() as session:
        query = (
            select(ApiKey.id)
            .join(User, User.id == ApiKey.user_id)
            .where(User.role == Role.SUPER_ADMIN, User.is_active, ApiKey.revoked_at_ms.is_(None))
            .limit(1)
        )
        if (await session.scalars(query)).first() is not None:
            return None
    key = KEY_PREFIX + random_text(256)
    async with database.write() as session:
        # The lock on this row makes machines that start at the same time take turns.
        await session.execute(update(Meta).where(Meta.id == 1).values(version=Meta.version))
        if (await session.scalars(query)).first() is not None:
            return None
        user = await _administrator(session)
        digest = key_digest(key.encode(), keyring.pepper)
        first = ApiKey(
            user_id=user.id,
            name=FIRST_KEY,
            prefix=key[:SHOWN_PREFIX],
            digest=digest,
            scopes=list(SCOPES),
            tier="standard",
            models=[],
            networks=[],
        )
        session.add(first)
        await session.flush()
        session.audit.append(Draft("key.create_first", now_ms(), object_kind="key", object_id=first.id))
        # Written before the commit: a key that nobody could read would lock everyone out.
        write_private(settings.first_key_file, key + os.linesep)
    return key


async def _administrator(session: WriteSession) -> User:
    query = select(User).where(User.role == Role.SUPER_ADMIN, User.is_active).order_by(User.created_at_ms).limit(1)
    user = (await session.scalars(query)).first()
    if user is None:
        user = User(display_name=FIRST_ADMINISTRATOR, role=Role.SUPER_ADMIN)
        session.add(user)
        await session.flush()
    return user
