"""`turnpike ledger` without a server: the journals of relays that died are drained first."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from tests.support.journals import JournalWriter, event_id, files_left
from turnpike.settings import Settings


def _run(settings: Settings, *words: str) -> str:
    command = [str(Path(sys.executable).with_name("turnpike")), "ledger", *words, "--data-dir", str(settings.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=settings.data_dir)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_export_without_a_server_has_what_dead_relays_left(sqlite_settings: Settings) -> None:
    with JournalWriter(sqlite_settings.journal_dir) as relay:
        settled, cut = relay.call(), relay.open(event_id())
    rows = [json.loads(line) for line in _run(sqlite_settings, "export", "--format", "ndjson").splitlines()]
    assert {UUID(row["event_id"]).bytes: row["outcome"] for row in rows} == {settled: "ok", cut: "interrupted"}
    assert files_left(sqlite_settings.journal_dir) == []
    assert _run(sqlite_settings, "export", "--format", "csv").count("\n") == 3


def test_filters_and_tail_of_the_command_are_understood(sqlite_settings: Settings) -> None:
    with JournalWriter(sqlite_settings.journal_dir) as relay:
        relay.call()
    flags = ("--since", "24h", "--model", "gpt-a", "--provider", "openai", "--key", "key-1")
    assert _run(sqlite_settings, "export", *flags).count("\n") == 1
    assert _run(sqlite_settings, "export", "--until", "2020-01-01") == ""
    assert json.loads(_run(sqlite_settings, "tail", "--json"))["model_asked"] == "gpt-a"
