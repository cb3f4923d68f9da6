"""Each check finds what it is for, and says how to mend it."""

import os
import socket
import time
from pathlib import Path

import pytest

from tests.support.servers import settings_for
from turnpike.cli.doctor import catalog, folder, machine, server
from turnpike.cli.doctor.finding import Finding, State
from turnpike.control.db.migrate import upgrade
from turnpike.control.infra.secrets.keyring import load_keyring
from turnpike.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = settings_for(tmp_path / "data")
    made.data_dir.mkdir(mode=0o700)
    return made


def wrong(finding: Finding, *words: str) -> bool:
    text = f"{finding.says} {finding.remedy}"
    assert finding.remedy
    assert all(word in text for word in words), text
    return finding.state is not State.OK


def test_an_old_python_is_wrong():
    assert wrong(machine.python((3, 10, 4)), "3.10.4", "3.11")
    assert machine.python((3, 12, 0)).state is State.OK


def test_few_open_files_are_named_with_their_remedy():
    assert wrong(machine.open_files(1024), "1024", "ulimit -n", "LimitNOFILE")


def test_a_clock_in_the_past_is_wrong(settings: Settings):
    assert wrong(machine.clock(settings, 0.0), "1970-01-01", "set the clock")


def test_files_from_the_future_show_a_wrong_clock(settings: Settings):
    file = settings.data_dir / "x"
    file.write_text("")
    os.utime(file, (time.time() + 1000, time.time() + 1000))
    assert wrong(machine.clock(settings, time.time()), "ahead")


def test_an_open_data_folder_is_wrong(settings: Settings):
    assert folder.permissions(settings.data_dir).state is State.OK
    settings.data_dir.chmod(0o755)
    assert wrong(folder.permissions(settings.data_dir), "0755", "chmod 700")


def test_secrets_that_others_can_read_are_wrong(settings: Settings):
    load_keyring(settings)
    assert folder.secrets(settings).state is State.OK
    settings.secrets_file.chmod(0o644)
    assert wrong(folder.secrets(settings), "chmod 600")


def test_broken_secrets_are_wrong(settings: Settings):
    settings.secrets_file.write_text("{}")
    settings.secrets_file.chmod(0o600)
    assert wrong(folder.secrets(settings), "backup")


def test_a_database_without_its_secrets_is_wrong(settings: Settings):
    (settings.data_dir / "turnpike.db").write_text("")
    assert wrong(folder.secrets(settings), "missing", "backup")
    assert not settings.secrets_file.exists()


def test_a_port_that_is_taken_is_wrong(settings: Settings):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = settings.model_copy(update={"port": port})
        assert wrong(server.port(taken), str(port), "--port")


def test_left_journals_are_named(settings: Settings):
    segments = settings.journal_dir / "abc"
    segments.mkdir(parents=True)
    (segments / "00000001.seg").write_bytes(b"")
    assert wrong(server.journals(settings), "1 segment", "start the server")


async def test_a_database_is_looked_at_without_making_one(settings: Settings):
    assert (await server.database(settings)).state is State.OK
    assert not (settings.data_dir / "turnpike.db").exists()
    await upgrade(settings)
    assert (await server.database(settings)).state is State.OK


async def test_a_file_that_is_no_database_is_wrong(settings: Settings):
    (settings.data_dir / "turnpike.db").write_bytes(b"not a database at all" * 100)
    assert wrong(await server.database(settings), "cannot be reached")


async def test_a_database_that_is_not_there_is_wrong(settings: Settings):
    absent = settings_for(settings.data_dir, database_url="postgresql://nobody:hidden@127.0.0.1:1/none")
    finding = await server.database(absent)
    assert wrong(finding, "TURNPIKE_DATABASE_URL")
    assert "hidden" not in finding.says


def test_a_database_of_another_release_is_named():
    assert wrong(server.revision("0009", ["0001", "0002"]), "newer release")
    assert wrong(server.revision("0001", ["0001", "0002"]), "turnpike db upgrade")
    assert server.revision("0002", ["0001", "0002"]).state is State.OK


def test_an_unhealthy_server_is_told_with_the_part_to_blame():
    body = {"status": "degraded", "version": "1", "checks": {"database": "cannot connect", "journal": "ok"}}
    finding = server.verdict(body)
    assert wrong(finding, "degraded", "database: cannot connect")
    assert "journal" not in finding.says


def test_a_provider_without_a_credential_is_wrong():
    assert wrong(catalog.look_at_providers([{"slug": "oa", "vendor": "openai", "is_active": True}])[0], "oa")
    assert wrong(catalog.look_at_providers([])[0], "turnpike providers add")


def test_models_without_a_price_are_counted_and_named():
    rows = [{"name": f"m{number}", "is_active": True} for number in range(7)] + [{"name": "p", "priced": True}]
    assert wrong(catalog.look_at_models(rows)[0], "8 models, 7 without a price", "m0", "and 2 more")
