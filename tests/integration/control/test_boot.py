"""The first start makes what is needed, once; later ones find it."""

import asyncio
import stat
from pathlib import Path

from sqlalchemy import func, select

from tests.integration.control.test_keys import resolve
from tests.support.control import Api, api, make_user, running_control
from turnpike.contract.scopes import SCOPES, to_names
from turnpike.control.boot import prepare
from turnpike.control.db.models import ApiKey, User
from turnpike.control.offline import open_offline
from turnpike.control.services import ControlServices
from turnpike.settings import Settings


async def test_a_first_start_makes_an_administrator_and_a_key(settings: Settings) -> None:
    prepared = await prepare(settings)
    assert prepared.first_key is not None
    assert settings.first_key_file.read_text().strip() == prepared.first_key
    assert prepared.first_key not in repr(prepared)
    for path, mode in (
        (settings.first_key_file, 0o600), (settings.secrets_file, 0o600), (settings.data_dir, 0o700),
        (settings.run_dir, 0o700), (settings.journal_dir, 0o700),
    ):  # fmt: skip
        assert stat.S_IMODE(path.stat().st_mode) == mode, path
    async with running_control(settings) as services:
        grant = await resolve(services, prepared.first_key)
        assert grant is not None
        assert (grant.role, to_names(grant.scopes)) == ("super_admin", list(SCOPES))
        async with services.database.read() as session:
            assert (await session.scalars(select(User.display_name))).all() == ["Administrator"]


async def test_a_second_start_makes_nothing(settings: Settings) -> None:
    await prepare(settings)
    settings.first_key_file.unlink()
    again = await prepare(settings)
    assert again.first_key is None
    assert again.found_revision == again.revision
    assert not settings.first_key_file.exists()


async def test_machines_that_start_together_make_one_key(settings: Settings) -> None:
    if settings.database_url is None:
        await prepare(settings)
    made = await asyncio.gather(*(prepare(settings) for _ in range(3)))
    keys = [prepared.first_key for prepared in made if prepared.first_key]
    assert len(keys) == (0 if settings.database_url is None else 1)
    async with running_control(settings) as services, services.database.read() as session:
        assert (await session.execute(select(func.count()).select_from(ApiKey))).scalar_one() == 1


async def test_when_every_super_admin_key_is_revoked_the_next_start_makes_one(
    operator: Api, services: ControlServices
) -> None:
    await make_user(operator, "admin")
    (only,) = await operator.data("GET", "/api/v1/keys")
    await operator.data("DELETE", f"/api/v1/keys/{only['id']}")
    prepared = await prepare(services.settings)
    assert prepared.first_key is not None
    assert await resolve(services, prepared.first_key) is not None


async def test_a_command_works_without_a_server(sqlite_settings: Settings) -> None:
    """What it changes is in the last good state, for a server that starts without the database."""
    import httpx2

    async with open_offline(sqlite_settings) as app:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://t", trust_env=False) as http:
            made = (await http.post("/api/v1/keys", json={"name": "ci", "scopes": ["admin"]})).json()["data"]
            assert (await http.post("/api/v1/ai/providers", json={"vendor": "openai"})).status_code == 201
    assert sqlite_settings.last_good_file.exists()
    async with running_control(sqlite_settings) as services, api(services, made["key"]) as caller:
        assert [row["slug"] for row in await caller.data("GET", "/api/v1/ai/providers")] == ["openai"]


def test_nothing_is_made_outside_the_data_folder(sqlite_settings: Settings, tmp_path: Path) -> None:
    asyncio.run(prepare(sqlite_settings))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
