"""The command through a running server, with the simulator behind it."""

import csv
import io
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.gateways import Gateway, turnpike, turnpike_json, wait_until

pytestmark = pytest.mark.xdist_group("running gateway")


def call(gateway: Gateway, key: str, model: str = "simulator", path: str = "/v1/chat/completions") -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(f"{gateway.url}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def refused(gateway: Gateway, key: str, **what: str) -> int:
    try:
        call(gateway, key, **what)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200


def test_a_server_without_a_provider_answers_by_a_simulator_named_as_one(gateway: Gateway):
    assert gateway.facts["simulated"] is True
    assert gateway.facts["providers"] == ["simulator"]
    answer = call(gateway, gateway.first_key(), model=gateway.facts["model"])
    assert "simulator" in answer["choices"][0]["message"]["content"]


def test_a_key_is_made_works_and_is_revoked_within_a_second(gateway: Gateway):
    made = turnpike_json("keys", "create", "--name", "ci", "--expires", "30d", folder=gateway.folder)
    assert made["key"].startswith("tp-")
    assert made["expires_at"]
    call(gateway, made["key"])
    turnpike_json("keys", "revoke", made["id"], folder=gateway.folder)
    wait_until(lambda: refused(gateway, made["key"]) == 401, "it is unknown", timeout_s=2)
    shown = [row["id"] for row in turnpike_json("keys", "list", folder=gateway.folder)]
    assert made["id"] not in shown
    everything = turnpike_json("keys", "list", "--all", folder=gateway.folder)
    assert {row["id"]: row["status"] for row in everything}[made["id"]] == "revoked"


def test_a_key_is_made_for_somebody_by_their_address(gateway: Gateway):
    ida = turnpike_json("users", "add", "Ida", "--email", "ida@example.com", folder=gateway.folder)
    made = turnpike_json("keys", "create", "--name", "idas", "--user", "ida@example.com", folder=gateway.folder)
    assert made["user_id"] == ida["id"]


def test_no_list_shows_a_key_again(gateway: Gateway):
    made = turnpike_json("keys", "create", "--name", "hidden", folder=gateway.folder)
    done = turnpike("keys", "list", "--all", "--json", folder=gateway.folder)
    assert made["key"] not in done.stdout


def test_lists_may_be_repeated_or_separated_by_commas(gateway: Gateway):
    made = turnpike_json(
        "keys", "create", "--name", "narrow", "--scope", "models:read,inference:text", "--scope", "embeddings",
        "--model", "other-*", folder=gateway.folder,
    )  # fmt: skip
    assert made["scopes"] == ["models:read", "inference:text", "embeddings"]
    assert made["models"] == ["other-*"]
    assert refused(gateway, made["key"]) in (403, 404)


def test_a_rotated_key_works_on_beside_its_successor(gateway: Gateway):
    first = turnpike_json("keys", "create", "--name", "turning", folder=gateway.folder)
    second = turnpike_json("keys", "rotate", "turning", "--grace", "12h", folder=gateway.folder)
    assert second["key"] != first["key"]
    call(gateway, first["key"])
    call(gateway, second["key"])


def test_a_key_of_no_grace_ends_at_once(gateway: Gateway):
    first = turnpike_json("keys", "create", "--name", "short", folder=gateway.folder)
    call(gateway, first["key"])
    turnpike_json("keys", "rotate", "short", "--grace", "0h", folder=gateway.folder)
    wait_until(lambda: refused(gateway, first["key"]) == 401, "the old one ended", timeout_s=3)


def test_a_person_reads_a_table(gateway: Gateway):
    done = turnpike("models", "list", folder=gateway.folder)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split()[:2] == ["MODEL", "PROVIDER"]
    assert "simulator-embedding" in done.stdout


def test_models_can_be_narrowed(gateway: Gateway):
    rows = turnpike_json("models", "list", "--capability", "embeddings", folder=gateway.folder)
    assert [row["name"] for row in rows] == ["simulator-embedding"]


def test_a_provider_is_added_with_its_models_tested_and_synced(gateway: Gateway):
    (own,) = turnpike_json("providers", "list", folder=gateway.folder)
    port = urlsplit(own["api_base_url"]).port
    made = turnpike_json(
        "providers", "add", "openai", "--name", "Second", "--base-url", f"http://127.0.0.1:{port}/v1",
        "--allow-address", "127.0.0.1/32", "--api-key", "-", "--model", "second-chat,second-embed",
        folder=gateway.folder, stdin="sk-quite-secret-credential\n",
    )  # fmt: skip
    assert made["slug"] == "second"
    assert made["models"] == 2
    assert "quite-secret" not in json.dumps(made)
    rows = turnpike_json("models", "list", "--provider", "second", folder=gateway.folder)
    assert {row["name"]: row["capabilities"] for row in rows} == {
        "second-chat": ["chat"],
        "second-embed": ["embeddings"],
    }
    assert turnpike_json("providers", "test", "second", folder=gateway.folder)["ok"] is True
    assert turnpike_json("providers", "sync-models", "second", folder=gateway.folder)["models"] > 2
    call(gateway, gateway.first_key(), model="second-chat")
    changed = turnpike_json(
        "providers", "set-key", "second", "--api-key", "-", folder=gateway.folder, stdin="sk-other\n"
    )
    assert changed["shared_api_key"] != made["shared_api_key"]


def test_an_unreachable_provider_fails_its_test_with_exit_code_1(gateway: Gateway):
    added = turnpike(
        "providers", "add", "openai_compatible", "--name", "nowhere", "--base-url", "http://127.0.0.1:9/v1",
        "--allow-address", "127.0.0.1/32", "--model", "m", folder=gateway.folder,
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    done = turnpike("providers", "test", "nowhere", folder=gateway.folder)
    assert done.returncode == 1
    assert "nowhere fails: " in done.stdout


def test_an_address_that_is_not_allowed_is_refused_with_what_would_be_right(gateway: Gateway):
    done = turnpike(
        "providers", "add", "openai_compatible", "--base-url", "http://127.0.0.1:9/v1", folder=gateway.folder
    )
    assert done.returncode == 1
    assert "loopback" in done.stderr
    assert "allow" in done.stderr


def test_the_right_names_are_said_for_a_wrong_one(gateway: Gateway):
    done = turnpike("providers", "test", "opanai", "--json", folder=gateway.folder)
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "NOT_FOUND"
    assert "there is: " in error["message"]
    assert "simulator" in error["message"]
    assert done.stderr == ""


def test_a_vendor_that_is_none_is_told_those_there_are(gateway: Gateway):
    done = turnpike("providers", "add", "opanai", folder=gateway.folder)
    assert done.returncode == 1
    assert "'opanai' is no vendor; take one of openai, anthropic" in done.stderr


def test_a_vendor_that_needs_a_credential_says_how_to_give_one(gateway: Gateway):
    done = turnpike("providers", "add", "openai", folder=gateway.folder)
    assert done.returncode == 1
    assert "--api-key -" in done.stderr
    assert "OPENAI_API_KEY" in done.stderr


def test_every_call_is_in_the_ledger_once(gateway: Gateway):
    made = turnpike_json("keys", "create", "--name", "counted", folder=gateway.folder)
    for _ in range(3):
        call(gateway, made["key"])

    def rows() -> list[dict[str, Any]]:
        done = turnpike("ledger", "export", "--format", "ndjson", "--key", made["id"], folder=gateway.folder)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    wait_until(lambda: len(rows()) >= 3, "three rows", timeout_s=10)
    assert len(rows()) == 3
    assert len({row["event_id"] for row in rows()}) == 3
    table = turnpike("ledger", "export", "--format", "csv", "--key", made["id"], folder=gateway.folder).stdout
    assert len(list(csv.DictReader(io.StringIO(table)))) == 3


def test_the_newest_calls_are_shown_oldest_first(gateway: Gateway):
    call(gateway, gateway.first_key())
    call(gateway, gateway.first_key())

    def newest() -> list[dict[str, Any]]:
        done = turnpike("ledger", "tail", "-n", "2", "--json", folder=gateway.folder)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    wait_until(lambda: len(newest()) == 2, "two rows", timeout_s=10)
    first, second = newest()
    assert first["started_at"] <= second["started_at"]


def test_secrets_are_rotated_while_it_runs(gateway: Gateway):
    done = turnpike_json("secrets", "rotate", folder=gateway.folder)
    assert done["new_key"] is True
    assert done["unreadable"] == 0
    call(gateway, gateway.first_key())


def test_the_doctor_finds_a_running_server_healthy(gateway: Gateway):
    done = turnpike("doctor", "--json", folder=gateway.folder)
    found = {one["check"]: one for one in json.loads(done.stdout)["findings"]}
    assert found["server"]["says"] == f"runs at {gateway.url} (pid {gateway.process.pid})"
    assert found["health"]["state"] == "ok"
    assert found["sockets"]["state"] == "ok"


def test_a_database_is_not_migrated_under_a_running_server(gateway: Gateway):
    done = turnpike("db", "upgrade", folder=gateway.folder)
    assert done.returncode == 1
    assert f"pid {gateway.process.pid}" in done.stderr


def test_a_second_server_names_the_first(gateway: Gateway):
    done = turnpike("serve", "--port", "0", folder=gateway.folder)
    assert done.returncode == 1
    assert f"in use by turnpike serve (pid {gateway.process.pid}" in done.stderr


def test_a_price_of_every_shape_is_set_shown_and_taken_back(gateway: Gateway):
    name = (gateway.facts["model"], "--provider", "simulator")
    before = turnpike_json("models", "price", *name, folder=gateway.folder)
    wish = {"input": "2", "image": {"1024x1024/hd": "0.08"}, "search": "0.002", "services": [
        {"name": "batch", "percent": 50}], "tiers": [{"above": 9, "input": "4"}]}  # fmt: skip
    made = turnpike_json("models", "price", *name, "--set", json.dumps(wish), folder=gateway.folder)
    assert made["price_source"] == "override"
    assert made["price"]["image"] == {"1024x1024/hd": "0.08"}
    shown = turnpike("models", "price", *name, folder=gateway.folder)
    assert shown.returncode == 0, shown.stderr
    for words in ("input: 2", "1024x1024/hd 0.08", "search: 0.002", "above 9 input tokens: input 4", "batch: 50 %"):
        assert words in shown.stdout
    restored = {"input": 0, "output": 0} if before["price_source"] == "override" else None
    if restored is None:
        turnpike_json("models", "price", *name, "--reset", folder=gateway.folder)
    else:
        turnpike_json("models", "price", *name, "--set", json.dumps(restored), folder=gateway.folder)


def test_a_price_that_is_no_price_is_refused_with_its_field(gateway: Gateway):
    name = (gateway.facts["model"], "--provider", "simulator")
    for wish, words in (("nope", "no JSON"), ("[]", "JSON object"), ('{"per_minute": 1}', "per_minute")):
        done = turnpike("models", "price", *name, "--set", wish, folder=gateway.folder)
        assert done.returncode != 0
        assert words in done.stdout + done.stderr
    assert turnpike("models", "price", "no-such-model", folder=gateway.folder).returncode != 0
