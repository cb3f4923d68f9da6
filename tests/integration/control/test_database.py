"""Sessions, transactions and the change log on both databases."""

import asyncio

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from turnpike.contract.scopes import SCOPES
from turnpike.control.db.changes import changed_keys, read_versions
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import ApiKey, Department, Provider, User
from turnpike.control.db.sessions import NotWritable


async def test_a_write_is_committed_once_at_the_end(database: Database) -> None:
    async with database.write() as session:
        session.add(Department(name="Research"))
    async with database.read() as session:
        assert (await session.scalars(select(Department.name))).all() == ["Research"]


async def test_a_failed_write_leaves_nothing(database: Database) -> None:
    async def fail_midway() -> None:
        async with database.write() as session:
            session.add(Department(name="Research"))
            await session.flush()
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        await fail_midway()
    async with database.read() as session:
        assert (await session.scalars(select(Department))).all() == []


async def test_a_read_session_refuses_to_flush(database: Database) -> None:
    async with database.read() as session:
        session.add(Department(name="Research"))
        with pytest.raises(NotWritable):
            await session.flush()


async def test_the_database_itself_refuses_writes_of_a_read_session(database: Database) -> None:
    async with database.read() as session:
        with pytest.raises(DBAPIError, match=r"(?i)readonly|read-only"):
            await session.execute(delete(Department))


async def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.write() as session:
            session.add(User(display_name="Ada", role="user", department_id="nowhere"))


async def test_deleting_a_person_deletes_their_keys(database: Database) -> None:
    async with database.write() as session:
        user = User(display_name="Ada", role="user")
        session.add(user)
        await session.flush()
        session.add(ApiKey(user_id=user.id, name="k", prefix="tp-", digest=b"d" * 32, scopes=["admin"], tier="x"))
    async with database.write() as session:
        await session.execute(delete(User))
    async with database.read() as session:
        assert (await session.scalars(select(ApiKey))).all() == []


@pytest.mark.parametrize("names", [[], ["admin"], list(SCOPES)])
async def test_flags_come_back_as_they_were(database: Database, names: list[str]) -> None:
    async with database.write() as session:
        user = User(display_name="Ada", role="user")
        session.add(user)
        await session.flush()
        session.add(ApiKey(user_id=user.id, name="k", prefix="tp-", digest=b"d" * 32, scopes=names, tier="x"))
    async with database.read() as session:
        assert (await session.scalars(select(ApiKey.scopes))).one() == names


async def test_several_shared_slugs_are_refused(database: Database) -> None:
    values = {"slug": "a", "name": "A", "display_name": "A", "vendor": "openai", "api_base_url": "https://a"}
    with pytest.raises(IntegrityError):
        async with database.write() as session:
            session.add_all([Provider(**values), Provider(**values)])


async def test_versions_rise_by_one_and_name_the_keys(database: Database) -> None:
    heard: list[int] = []
    database.on_change(lambda versions, _: heard.append(versions.version))
    async with database.read() as session:
        start = (await read_versions(session)).version
    async with database.write() as session:
        session.changes.keys(["k2"])
    async with database.write() as session:
        session.changes.keys(["k1"])
        session.changes.catalog()
    async with database.write():
        pass  # nothing that relays must hear of
    async with database.read() as session:
        versions = await read_versions(session)
        keys = await changed_keys(session, start, versions.version)
    assert (versions.version, versions.snapshot_version) == (start + 2, start + 2)
    assert keys == ["k1", "k2"]
    assert heard == [start + 1, start + 2]


async def test_a_gap_in_the_log_means_every_key(database: Database) -> None:
    async with database.write() as session:
        session.changes.keys(["k1"])
    async with database.read() as session:
        version = (await read_versions(session)).version
        assert await changed_keys(session, version - 5, version) is None


async def test_concurrent_writers_get_versions_in_the_order_of_their_commits(database: Database) -> None:
    heard: list[int] = []
    database.on_change(lambda versions, _: heard.append(versions.version))

    async def write(name: str) -> None:
        async with database.write() as session:
            session.add(Department(name=name))
            session.changes.keys([name])

    await asyncio.gather(*(write(f"d{number}") for number in range(20)))
    assert sorted(heard) == list(range(min(heard), min(heard) + 20))


async def test_ping_answers_while_the_database_is_there(database: Database) -> None:
    await database.ping()


async def test_statements_are_not_prepared_by_name(database: Database) -> None:
    """PgBouncer may give each transaction another server connection, which knows none of our statements."""
    if database.is_sqlite:
        pytest.skip("PostgreSQL only")
    async with database.write() as session:
        for _ in range(7):
            await session.execute(select(Department))
        assert (await session.execute(text("SELECT name FROM pg_prepared_statements"))).all() == []


def test_unreachable_covers_a_refused_connection() -> None:
    assert issubclass(ConnectionRefusedError, UNREACHABLE)
