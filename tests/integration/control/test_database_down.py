"""With the database away the gateway goes on, and starts from what it wrote down."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from tests.support.control import FakeRelay, api, eventually, make_key, make_model, make_provider, running_control
from tests.support.databases import PostgresServer, test_settings
from turnpike.control.infra.secrets import load_keyring
from turnpike.control.run import Control
from turnpike.errors import Unavailable
from turnpike.settings import Settings

pytestmark = pytest.mark.postgres


@pytest.fixture
def server(own_postgres: PostgresServer) -> PostgresServer:
    return own_postgres


@pytest.fixture
def settings(server: PostgresServer, tmp_path: Path) -> Settings:
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    return test_settings(data_dir, database_url=SecretStr(server.address(server.create())))


async def test_known_keys_are_served_while_the_database_is_away(server: PostgresServer, settings: Settings) -> None:
    async with running_control(settings) as services, api(services) as operator:
        made = await make_key(operator, scopes=["models:read"])
        unused = await make_key(operator, name="unused")
        await make_provider(operator)
        await make_model(operator, "acme", "m")
        async with api(services, made["key"]) as caller:
            assert (await caller.get("/api/v1/ai/models")).status_code == 200
            await asyncio.to_thread(server.stop)
            await eventually(lambda: services.health.report()["database"] != "ok")
            assert services.health.report()["database"].startswith("cannot be reached since ")
            assert (await caller.get("/api/v1/ai/models")).status_code == 200, "cached"
            refused = await caller.get("/api/v1/keys/current")
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "UNAVAILABLE")
            assert int(refused.headers["retry-after"]) >= 1
        async with api(services, unused["key"]) as stranger:
            assert (await stranger.get("/api/v1/ai/models")).status_code == 503
        await asyncio.to_thread(server.start)
        await eventually(lambda: set(services.health.report().values()) == {"ok"}, timeout_s=10)
        async with api(services, unused["key"]) as stranger:
            assert (await stranger.get("/api/v1/ai/models")).status_code == 200


async def test_a_database_that_turns_connections_away_is_one_that_cannot_be_reached(
    server: PostgresServer, settings: Settings
) -> None:
    """While it starts, stops or is full, PostgreSQL answers, and says no: in the middle of a question or before one."""
    assert settings.database_url is not None
    name = urlsplit(settings.database_url.get_secret_value()).path.removeprefix("/")
    async with running_control(settings) as services, api(services) as operator:
        for _ in range(3):
            await asyncio.to_thread(
                server.run,
                f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
            )
            await eventually(lambda: services.health.report()["database"] != "ok")
            refused = await operator.get("/api/v1/keys")
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "UNAVAILABLE")
            await asyncio.to_thread(server.run, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            await eventually(lambda: services.health.report()["database"] == "ok", timeout_s=10)
            assert (await operator.get("/api/v1/keys")).status_code == 200


async def test_control_starts_from_disk_and_takes_the_database_up_when_it_is_back(
    server: PostgresServer, settings: Settings
) -> None:
    async with running_control(settings) as services, api(services) as operator:
        made = await make_key(operator, name="in use")
        await make_provider(operator, shared_api_key="sk-1234567890123456-last")
        await make_model(operator, "acme", "m")
        async with api(services, made["key"]) as caller:
            await caller.get("/api/v1/keys/current")
        await services.keeper.refresh()
    written = settings.last_good_file.read_bytes()
    assert b"sk-1234567890123456-last" not in written
    assert made["id"].encode() not in written
    await asyncio.to_thread(server.stop)

    control = Control(settings)
    await control.start()
    relay = await FakeRelay.connect(settings.contract_socket)
    snapshot = await relay.until(lambda r: r.snapshot)
    assert [model.name for model in snapshot.models] == ["m"]
    assert snapshot.providers[0].credentials[0].secret == "sk-1234567890123456-last"
    known = await relay.resolve(made["key"])
    assert known.grant is not None
    assert known.grant.key_name == "in use"
    unknown = await relay.resolve("tp-" + "u" * 43)
    assert (unknown.grant, unknown.unavailable) == (None, True)
    assert control.services is not None
    assert "cannot be reached" in control.services.health.report()["database"]

    await asyncio.to_thread(server.start)
    services = control.services
    await eventually(lambda: services.health.report()["database"] == "ok", timeout_s=10)
    async with api(services) as operator:
        await operator.data("DELETE", f"/api/v1/keys/{made['id']}")
    await relay.until(lambda r: r.forgotten(made["id"]), timeout_s=1.0)
    await relay.close()
    await control.stop()


async def test_a_key_revoked_while_control_was_down_is_forgotten_at_the_start(settings: Settings) -> None:
    async with running_control(settings) as services, api(services) as operator:
        made = await make_key(operator)
        async with api(services, made["key"]) as caller:
            await caller.get("/api/v1/keys/current")
    old_state = settings.last_good_file.read_bytes()
    async with running_control(settings) as services, api(services) as operator:
        await operator.data("DELETE", f"/api/v1/keys/{made['id']}")
    settings.last_good_file.write_bytes(old_state)  # as if another machine had revoked it
    control = Control(settings)
    await control.start()
    relay = await FakeRelay.connect(settings.contract_socket)
    await relay.until(lambda r: r.forgotten(made["id"]), timeout_s=1.0)
    assert (await relay.resolve(made["key"])).grant is None
    await relay.close()
    await control.stop()


async def test_grants_that_are_too_old_are_not_served(server: PostgresServer, settings: Settings) -> None:
    settings = settings.model_copy(update={"offline_grant_s": 0.0})
    async with running_control(settings) as services, api(services) as operator:
        made = await make_key(operator)
        async with api(services, made["key"]) as caller:
            await caller.get("/api/v1/keys/current")
    await asyncio.to_thread(server.stop)
    control = Control(settings)
    await control.start()
    relay = await FakeRelay.connect(settings.contract_socket)
    answer = await relay.resolve(made["key"])
    assert (answer.grant, answer.unavailable) == (None, True)
    await relay.close()
    await control.stop()


async def test_without_a_database_and_without_a_state_control_says_so(
    server: PostgresServer, settings: Settings
) -> None:
    await asyncio.to_thread(server.stop)
    control = Control(settings)
    with pytest.raises(Unavailable, match="no last good state"):
        await control.start()
    await control.stop()


async def test_a_state_sealed_with_another_key_is_not_used(server: PostgresServer, settings: Settings) -> None:
    async with running_control(settings):
        pass
    settings.secrets_file.unlink()
    load_keyring(settings)
    await asyncio.to_thread(server.stop)
    control = Control(settings)
    with pytest.raises(Unavailable):
        await control.start()
    await control.stop()


async def test_the_database_is_migrated_when_it_comes_late(server: PostgresServer, settings: Settings) -> None:
    """A release that brings a migration starts while the database is away: the migration is made up for."""
    async with running_control(settings):
        pass
    await asyncio.to_thread(server.stop)
    control = Control(settings)
    await control.start()
    assert control.services is not None
    assert control.services.keeper.before_first_contact is not None
    await asyncio.to_thread(server.start)
    services = control.services
    await eventually(lambda: services.keeper.before_first_contact is None, timeout_s=10)
    await control.stop()


async def test_control_ends_to_be_started_anew_when_it_no_longer_follows_the_database(
    sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = Control(sqlite_settings)
    await control.start()
    assert control.services is not None

    async def faulty() -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(control.services.keeper, "_follow", faulty)
    await eventually(control.ended.is_set)
    await control.stop()
