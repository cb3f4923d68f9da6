"""The command on a data folder that no server uses."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.gateways import TURNPIKE, Gateway, bare_environment, turnpike, turnpike_json


def test_what_is_made_offline_is_there_for_the_server(folder: Path):
    made = turnpike_json("keys", "create", "--name", "early", "--expires", "never", folder=folder)
    assert made["expires_at"] is None
    with Gateway(folder) as gateway:
        names = {row["name"] for row in turnpike_json("keys", "list", folder=folder)}
        assert "early" in names
        assert gateway.stop() == 0
    assert "early" in {row["name"] for row in turnpike_json("keys", "list", folder=folder)}


def test_two_commands_at_once_take_turns(folder: Path):
    turnpike_json("keys", "create", "--name", "zero", folder=folder)
    argv = [*TURNPIKE, "keys", "create", "--json", "--data-dir", str(folder), "--name"]
    both = [
        subprocess.Popen([*argv, name], stdout=subprocess.PIPE, text=True, env=bare_environment())
        for name in ("one", "two")
    ]
    assert all(json.loads(each.communicate(timeout=60)[0])["key"] for each in both)
    assert len(turnpike_json("keys", "list", folder=folder)) == 4  # with the first administrator's


def test_a_database_is_made_and_then_found_up_to_date(folder: Path):
    first = turnpike_json("db", "upgrade", folder=folder)
    assert first["before"] is None
    assert first["changed"] is True
    again = turnpike_json("db", "upgrade", folder=folder)
    assert again == {"before": first["revision"], "revision": first["revision"], "changed": False}


def test_the_doctor_looks_at_a_new_folder_without_making_anything(folder: Path):
    done = turnpike("doctor", "--json", folder=folder, env=bare_environment(TURNPIKE_PORT="0"))
    report = json.loads(done.stdout)
    assert report["healthy"] is True, report
    assert not folder.exists()


def test_the_doctor_finds_what_is_wrong_and_ends_with_1(folder: Path):
    turnpike_json("db", "upgrade", folder=folder)
    folder.chmod(0o755)
    done = turnpike("doctor", folder=folder, env=bare_environment(TURNPIKE_PORT="0"))
    assert done.returncode == 1
    assert "chmod 700" in done.stdout


def test_the_doctor_tells_of_a_wrong_setting(folder: Path):
    done = turnpike("doctor", "--json", folder=folder, env=bare_environment(TURNPIKE_RELAYS="many"))
    assert done.returncode == 1
    (finding,) = json.loads(done.stdout)["findings"]
    assert "TURNPIKE_RELAYS" in finding["says"]


def test_a_reader_that_leaves_is_no_error(folder: Path):
    turnpike_json("db", "upgrade", folder=folder)
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [*TURNPIKE, "keys", "list", "--data-dir", str(folder)],
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        env=bare_environment(),
    )
    os.close(write_end)
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [("keys", "list"), ("providers", "list"), ("models", "list")])
def test_an_empty_or_new_installation_answers_a_list(folder: Path, arguments: tuple[str, ...]):
    assert isinstance(turnpike_json(*arguments, folder=folder), list)


@pytest.mark.parametrize("words", [("keys", "list"), ("db", "upgrade")])
def test_a_database_that_is_away_is_said_in_one_line(folder: Path, words: tuple[str, ...]):
    env = bare_environment(TURNPIKE_DATABASE_URL="postgresql://ada:open-sesame@127.0.0.1:1/turnpike")
    done = turnpike(*words, folder=folder, env=env)
    assert done.returncode == 1
    assert "The database cannot be reached" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "open-sesame" not in done.stderr
