"""The contract socket: what relays are told, when, and who is let in."""

import asyncio
import os
import stat
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event

from tests.support.control import (
    SECRET,
    Api,
    FakeRelay,
    api,
    eventually,
    make_key,
    make_model,
    make_provider,
    make_user,
    running_control,
)
from turnpike.contract.messages import AskHealth, Counters, Health, Refused
from turnpike.contract.metrics import Sample
from turnpike.control.contract_server import ContractServer
from turnpike.control.services import ControlServices
from turnpike.settings import Settings

KEYS = "/api/v1/keys"
PROVIDERS = "/api/v1/ai/providers"


@pytest.fixture
async def server(services: ControlServices) -> AsyncIterator[ContractServer]:
    served = ContractServer(
        services.settings.contract_socket, services.keeper, services.metrics, services.health.report
    )
    await served.start()
    yield served
    await served.stop()


@pytest.fixture
async def relay(server: ContractServer, services: ControlServices) -> AsyncIterator[FakeRelay]:
    connected = await FakeRelay.connect(services.settings.contract_socket)
    yield connected
    await connected.close()


def test_the_socket_is_its_owners_alone(server: ContractServer, services: ControlServices) -> None:
    assert stat.S_IMODE(services.settings.contract_socket.stat().st_mode) == 0o600


async def test_a_relay_gets_the_snapshot_at_once(relay: FakeRelay, services: ControlServices) -> None:
    snapshot = await relay.until(lambda r: r.snapshot, timeout_s=1.0)
    assert snapshot.key_pepper == services.sealer.keyring.pepper
    assert snapshot.version == services.keeper.known_snapshot_version


async def test_a_key_is_resolved(relay: FakeRelay, operator: Api, first_key: str) -> None:
    made = await make_key(operator, models=["gpt-*"])
    answer = await relay.resolve(made["key"])
    assert answer.grant is not None
    assert (answer.grant.key_id, answer.grant.models, answer.unavailable) == (made["id"], ("gpt-*",), False)
    assert (await relay.resolve("tp-unknown" + "x" * 40)).grant is None


async def test_many_keys_are_resolved_at_the_same_time(
    relay: FakeRelay, services: ControlServices, operator: Api
) -> None:
    """In a few queries: a relay that starts asks for all of its callers at once."""
    made = [await make_key(operator, name=f"k{number}") for number in range(20)]
    services.keeper.grants.forget(None)
    engine = services.database.readers.sync_engine
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    keys = [key["key"] for key in made] + ["tp-" + f"{number:043d}" for number in range(280)]
    answers = await asyncio.gather(*(relay.resolve(key) for key in keys))
    assert [answer.grant.key_id for answer in answers[:20] if answer.grant] == [key["id"] for key in made]
    assert all(answer.grant is None and not answer.unavailable for answer in answers[20:])
    assert len([text for text in asked if "FROM api_keys" in text]) < 30


async def test_a_catalog_change_is_at_the_relay_within_a_second(relay: FakeRelay, operator: Api) -> None:
    await make_provider(operator, shared_api_key=SECRET)
    model = await make_model(operator, "acme", "m")
    await relay.until(lambda r: r.snapshot and [m.name for m in r.snapshot.models] == ["m"], timeout_s=1.0)
    await operator.data("PATCH", f"/api/v1/ai/models/{model['id']}", {"is_active": False})
    await relay.until(lambda r: r.snapshot and r.snapshot.models == (), timeout_s=1.0)
    await operator.data("PATCH", f"{PROVIDERS}/acme", {"shared_api_key": "sk-other-other-other-other-9999"})
    await relay.until(
        lambda r: r.snapshot and r.snapshot.providers[0].credentials[0].secret.endswith("9999"), timeout_s=1.0
    )


async def test_versions_of_snapshots_rise(relay: FakeRelay, operator: Api) -> None:
    first = (await relay.until(lambda r: r.snapshot)).version
    await make_provider(operator)
    await relay.until(lambda r: r.snapshot and r.snapshot.version > first)


async def test_a_revocation_is_at_the_relay_within_a_second(relay: FakeRelay, operator: Api) -> None:
    made = await make_key(operator)
    assert (await relay.resolve(made["key"])).grant is not None
    await operator.data("DELETE", f"{KEYS}/{made['id']}")
    await relay.until(lambda r: r.forgotten(made["id"]), timeout_s=1.0)
    assert (await relay.resolve(made["key"])).grant is None


@pytest.mark.parametrize("change", [{"role": "admin"}, {"is_active": False}])
async def test_a_change_of_a_person_reaches_all_their_keys(
    relay: FakeRelay, operator: Api, change: dict[str, object]
) -> None:
    user = await make_user(operator)
    keys = [await make_key(operator, user_id=user) for _ in range(2)]
    await operator.data("PATCH", f"/api/v1/users/{user}", change)
    await relay.until(lambda r: all(r.forgotten(key["id"]) for key in keys), timeout_s=1.0)


async def test_a_personal_key_reaches_its_owners_grants(
    relay: FakeRelay, operator: Api, services: ControlServices
) -> None:
    await make_provider(operator)
    made = await make_key(operator, user_id=await make_user(operator))
    async with api(services, made["key"]) as person:
        await person.data("PUT", f"{PROVIDERS}/acme/settings", {"personal_api_key": SECRET})
    await relay.until(lambda r: r.forgotten(made["id"]), timeout_s=1.0)
    grant = (await relay.resolve(made["key"])).grant
    assert grant is not None
    assert grant.personal[0].secret == SECRET


async def test_a_relay_that_comes_back_is_told_what_it_missed(
    relay: FakeRelay, operator: Api, services: ControlServices
) -> None:
    made = await make_key(operator)
    await relay.resolve(made["key"])
    await relay.close()
    await operator.data("DELETE", f"{KEYS}/{made['id']}")
    again = await FakeRelay.connect(services.settings.contract_socket)
    await again.until(lambda r: r.forgotten(made["id"]), timeout_s=1.0)
    await again.close()


async def test_health_is_answered_quickly(relay: FakeRelay) -> None:
    relay.send(AskHealth(7))
    health = await relay.until(lambda r: next((m for m in r.messages if isinstance(m, Health)), None), timeout_s=0.2)
    assert health.id == 7
    assert {"database", "snapshot", "tokens", "limits", "maintenance"} == set(health.checks)
    assert set(health.checks.values()) == {"ok"}


async def test_counters_are_kept_when_their_relay_leaves(relay: FakeRelay, services: ControlServices) -> None:
    relay.send(Counters(0, (Sample("ai_gateway_total", (), 5), Sample("turnpike_client_connections", (), 3))))
    await eventually(lambda: len(services.metrics.merged()) == 2)
    await relay.close()
    await eventually(lambda: services.metrics.relays() == [])
    assert services.metrics.merged() == [Sample("ai_gateway_total", (), 5)]


# ---- who is let in


async def test_another_contract_version_is_refused_with_a_reason(
    server: ContractServer, services: ControlServices
) -> None:
    relay = await FakeRelay.connect(services.settings.contract_socket, version=99)
    await relay.until(lambda r: r.closed)
    assert [type(message) for message in relay.messages] == [Refused]
    assert "99" in relay.messages[0].reason  # pyright: ignore[reportAttributeAccessIssue]
    await relay.close()


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", struct.pack(">I", 3) + b"\xc1\xc1\xc1"])
async def test_garbage_ends_the_connection_and_nothing_else(
    server: ContractServer, services: ControlServices, data: bytes
) -> None:
    reader, writer = await asyncio.open_unix_connection(str(services.settings.contract_socket))
    writer.write(data)
    assert await asyncio.wait_for(reader.read(), 3) == b""
    writer.close()
    relay = await FakeRelay.connect(services.settings.contract_socket)
    await relay.until(lambda r: r.snapshot)
    await relay.close()


async def test_a_relay_of_another_user_is_refused(services: ControlServices, tmp_path: Path) -> None:
    path = services.settings.run_dir / "other.sock"
    served = ContractServer(path, services.keeper, services.metrics, services.health.report, uid=os.geteuid() + 1)
    await served.start()
    relay = await FakeRelay.connect(path)
    await relay.until(lambda r: r.closed)
    assert [type(message) for message in relay.messages] == [Refused]
    await relay.close()
    await served.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_the_kernel_says_who_is_there(sqlite_settings: Settings) -> None:
    """A process of another user that can open the socket's file gets no snapshot all the same."""
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"turnpike-uid-{os.getpid()}"
    folder.mkdir(mode=0o755)
    async with running_control(sqlite_settings) as services:
        served = ContractServer(folder / "c.sock", services.keeper, services.metrics, services.health.report)
        await served.start()
        (folder / "c.sock").chmod(0o666)
        code = (
            "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
            "sys.stdout.buffer.write(s.recv(65536))"
        )
        # The environment's own interpreter may lie where nobody else can look.
        python = Path("/usr/bin/python3") if Path("/usr/bin/python3").exists() else Path(sys.executable).resolve()
        try:
            done = await asyncio.to_thread(
                subprocess.run,
                [str(python), "-I", "-c", code, str(folder / "c.sock")],
                user=65534, group=65534, capture_output=True, timeout=10, check=False, cwd="/",
            )  # fmt: skip
        except PermissionError:
            pytest.skip("that user cannot run this Python")
        finally:
            await served.stop()
            folder.rmdir()
    if done.returncode != 0:
        pytest.skip("that user cannot run this Python")
    assert b"refused" in done.stdout
    assert services.sealer.keyring.pepper not in done.stdout


# ---- two control processes on one database


async def test_a_change_made_by_another_process_arrives_within_a_second(
    server: ContractServer, relay: FakeRelay, services: ControlServices, operator: Api, tmp_path: Path
) -> None:
    """The other process has its own data folder and shares database and secrets, as on another machine."""
    made = await make_key(operator)
    assert (await relay.resolve(made["key"])).grant is not None
    other_dir = tmp_path / "other"
    other_dir.mkdir(mode=0o700)
    (other_dir / "secrets.json").write_bytes(services.settings.secrets_file.read_bytes())
    changes: dict[str, object] = {"data_dir": other_dir}
    if services.database.is_sqlite:
        (other_dir / "turnpike.db").symlink_to(services.settings.data_dir / "turnpike.db")
    async with running_control(services.settings.model_copy(update=changes)) as other, api(other) as elsewhere:
        await elsewhere.data("DELETE", f"{KEYS}/{made['id']}")
        await relay.until(lambda r: r.forgotten(made["id"]), timeout_s=1.0)
        assert (await relay.resolve(made["key"])).grant is None
        await make_provider(elsewhere)
        await relay.until(lambda r: r.snapshot and len(r.snapshot.providers) == 1, timeout_s=1.0)
        assert services.keeper.known_snapshot_version == other.keeper.known_snapshot_version
