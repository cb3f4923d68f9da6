"""The audit log and the edge of a whole gateway: `turnpike serve`, its command, and what was written down."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.gateway import SIDES, RunningGateway, register_simulator, running_gateway, wait_for
from tests.support.simulator import running_simulator

SETTINGS = {
    "TURNPIKE_TRUSTED_PROXIES": "127.0.0.0/8",
    "TURNPIKE_CORS_ORIGINS": "https://app.example.com,https://*.example.org",
}
PROMPT = "prompt-words-that-belong-to-their-author-alone"
SECRET = "sk-audited-secret-that-nobody-may-read-8888"
MODEL = SIDES["openai_chat"].model


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with (
        running_simulator() as simulator,
        running_gateway(tmp_path_factory.mktemp("audited"), simulator, settings=SETTINGS) as running,
    ):
        register_simulator(running)
        yield running


def command(folder: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TURNPIKE_")}
    done = subprocess.run(
        [sys.executable, "-m", "turnpike.cli", *words, "--data-dir", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def ask(gateway: RunningGateway, method: str, path: str, key: str, *, address: str = "192.0.2.1", **more: Any) -> Any:
    headers = {"authorization": f"Bearer {key}", "x-forwarded-for": address, **more.pop("headers", {})}
    return httpx2.request(method, gateway.url + path, headers=headers, timeout=20, **more)


def chat(gateway: RunningGateway, key: str, model: str = MODEL, **more: Any) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": PROMPT}]}
    return ask(gateway, "POST", "/v1/chat/completions", key, json=body, **more)


def entries(gateway: RunningGateway, **filters: Any) -> list[dict[str, Any]] | None:
    return gateway.api("GET", "/audit", per_page=500, sort="seq", **filters) or None


def test_who_is_refused_and_who_guesses_keys_is_in_the_log(gateway: RunningGateway) -> None:
    key = gateway.create_key("narrow", models=["other-*"])
    assert chat(gateway, key).status_code in (403, 404)
    image = {"model": MODEL, "input": "x", "prompt": PROMPT}
    bare = gateway.create_key("bare", scopes=["models:read"])
    for _ in range(3):
        assert ask(gateway, "POST", "/v1/chat/completions", bare, json={**image, "messages": []}).status_code == 403
    for _ in range(4):
        assert chat(gateway, "tp-guessed-" + "x" * 30, address="198.51.100.3").status_code == 401
    # They come as the drain finds them: perhaps not all at once.
    for what, more, count in (
        ("SCOPE_MISSING", {"actor": "user"}, 3),
        ("UNAUTHENTICATED", {"actor": "anonymous"}, 4),
    ):

        def seen(what: str = what, more: dict[str, str] = more, count: int = count) -> list[dict[str, Any]] | None:
            found = entries(gateway, action="call.refused", outcome="refused", **more) or []
            like = [each for each in found if each["error_code"] == what]
            return like if sum(each["count"] for each in like) >= count else None

        found = wait_for(what, seen, 15)
        assert sum(each["count"] for each in found) == count
    assert {each["address"] for each in found} == {"198.51.100.3"}


def test_networks_are_kept_out_everywhere_at_once(gateway: RunningGateway) -> None:
    key = gateway.create_key("walker")
    done = command(gateway.folder, "networks", "deny", "203.0.113.0/24", "--note", "abuse", "--json")
    rule = json.loads(done.stdout)
    paths = (("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "/v1/files"), ("GET", "/api/v1/keys"),
             ("GET", "/"), ("GET", "/metrics"))  # fmt: skip
    wait_for(
        "the rule is at work",
        lambda: ask(gateway, "GET", "/v1/models", key, address="203.0.113.5").status_code == 403 or None,
    )
    for method, path in paths:
        answer = ask(
            gateway, method, path, gateway.admin_key, address="203.0.113.5", json={} if method == "POST" else None
        )
        assert (answer.status_code, answer.headers["x-turnpike-error"]) == (403, "ADDRESS_FORBIDDEN"), path
    assert chat(gateway, key).status_code == 200
    # Nobody locks themselves out by mistake: this caller's own address would be.
    locked = ask(
        gateway, "POST", "/api/v1/security/networks", gateway.admin_key,
        json={"network": "192.0.2.1", "verdict": "deny"},
    )  # fmt: skip
    assert locked.status_code == 409, locked.text
    assert [row["network"] for row in gateway.api("GET", "/security/networks")] == ["203.0.113.0/24"]
    command(gateway.folder, "networks", "remove", rule["id"])
    # What was refused is chained a batch at a time, so it may come last.
    rows = wait_for(
        "all three are in the log",
        lambda: rows if len(rows := entries(gateway, object="network") or []) >= 3 else None,
    )
    failed, made, removed = sorted(rows, key=lambda row: (row["outcome"] != "failed", row["seq"]))
    assert (failed["outcome"], failed["error_code"], failed["actor"]) == ("failed", "CONFLICT", "user")
    assert (made["action"], made["actor"], removed["action"]) == ("network.create", "operator", "network.delete")
    assert made["actor_name"] != ""


def test_scripts_of_named_origins_may_ask_at_both_prefixes(gateway: RunningGateway) -> None:
    for path in ("/v1/chat/completions", "/api/v1/keys"):
        asked = {"origin": "https://x.example.org", "access-control-request-method": "POST"}
        answer = httpx2.request("OPTIONS", gateway.url + path, headers=asked, timeout=10)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "https://x.example.org"
        assert "access-control-allow-credentials" not in answer.headers
    answer = ask(gateway, "GET", "/api/v1/keys", gateway.admin_key, headers={"origin": "https://app.example.com"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    answer = ask(gateway, "GET", "/api/v1/keys", gateway.admin_key, headers={"origin": "https://evil.example.net"})
    assert "access-control-allow-origin" not in answer.headers


def test_answers_say_what_a_browser_must_not_do(gateway: RunningGateway) -> None:
    api = ask(gateway, "GET", "/api/v1/keys", gateway.admin_key).headers
    assert (api["cache-control"], api["referrer-policy"]) == ("no-store", "no-referrer")
    page = httpx2.get(gateway.url + "/", timeout=10).headers
    assert "frame-ancestors 'none'" in page["content-security-policy"]
    assert page["x-frame-options"] == "DENY"
    docs = httpx2.get(gateway.url + "/api/v1/docs", timeout=10).headers
    assert "frame-ancestors 'none'" in docs["content-security-policy"]
    for headers in (api, page, docs, chat(gateway, gateway.admin_key).headers):
        assert headers.get_list("x-content-type-options") == ["nosniff"]
        assert "strict-transport-security" not in headers


def test_the_command_verifies_exports_and_finds_what_was_changed(gateway: RunningGateway, tmp_path: Path) -> None:
    folder = gateway.folder
    gateway.api("POST", "/ai/providers", {"vendor": "openai", "name": "a", "slug": "a", "shared_api_key": SECRET})
    assert chat(gateway, gateway.admin_key).status_code == 200
    heads = tmp_path / "heads.ndjson"
    heads.write_text(command(folder, "audit", "heads").stdout)
    export = tmp_path / "audit.ndjson"
    export.write_text(command(folder, "audit", "export").stdout)
    table = command(folder, "audit", "export", "--format", "csv").stdout
    said = json.loads(command(folder, "audit", "verify", "--against", str(heads), "--json").stdout)
    assert said["ok"]
    assert said["entries"] > 10
    checked = json.loads(
        command(folder, "audit", "verify", "--file", str(export), "--public-key", said["public_key"], "--json").stdout
    )
    assert checked["ok"]
    assert checked["entries"] >= said["entries"]
    for text in (export.read_text(), table, command(folder, "audit", "tail", "-n", "500", "--json").stdout):
        assert "provider.create" in text
        for secret in (SECRET, PROMPT, gateway.admin_key):
            assert secret not in text
    lines = export.read_text().splitlines(keepends=True)
    for name, changed in {
        "changed": [line.replace('"provider.create"', '"provider.update"', 1) for line in lines],
        "deleted": [*lines[:3], *lines[4:]],
        "swapped": [*lines[:2], lines[3], lines[2], *lines[4:]],
    }.items():
        other = tmp_path / f"{name}.ndjson"
        other.write_text("".join(changed))
        done = command(folder, "audit", "verify", "--file", str(other), "--json", check=False)
        assert (done.returncode, json.loads(done.stdout)["ok"]) == (1, False), name
    _tamper(folder / "turnpike.db", "UPDATE audit_entries SET object_id = 'another' WHERE seq = 5")
    done = command(folder, "audit", "verify", "--json", check=False)
    assert (done.returncode, json.loads(done.stdout)["broken_seq"]) == (1, 5)


def _tamper(database: Path, statement: str) -> None:
    """By who may write to the file: the triggers are no obstacle to them, the chain is."""
    connection = sqlite3.connect(database, timeout=20)
    with connection:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
        connection.execute("DROP TRIGGER audit_entries_no_update")
        connection.execute(statement)
    connection.close()


def test_offline_commands_are_the_operators_too(tmp_path: Path) -> None:
    made = json.loads(command(tmp_path, "keys", "create", "--name", "offline", "--json").stdout)
    assert made["key"].startswith("tp-")
    rows = [json.loads(line) for line in command(tmp_path, "audit", "tail", "--json").stdout.splitlines()]
    (entry,) = [row for row in rows if row["action"] == "key.create"]
    assert (entry["actor"], entry["object_id"]) == ("operator", made["id"])
    assert made["key"] not in json.dumps(rows)
    assert json.loads(command(tmp_path, "audit", "verify", "--json").stdout)["ok"]


def test_bringing_the_tables_up_to_date_by_hand_is_in_the_log(tmp_path: Path) -> None:
    done = json.loads(command(tmp_path, "db", "upgrade", "--json").stdout)
    assert done["changed"]
    rows = [json.loads(line) for line in command(tmp_path, "audit", "tail", "--json").stdout.splitlines()]
    first = rows[0]
    assert (first["seq"], first["action"], first["actor"]) == (1, "database.upgrade", "operator")
    assert first["actor_name"]
    assert first["changes"] == {"revision": [None, done["revision"]]}
    assert [row["action"] for row in rows].count("database.upgrade") == 1
