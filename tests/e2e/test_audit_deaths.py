"""kill -9 right behind the answers: what was refused and what failed is in the audit log, each once."""

import json
from pathlib import Path
from typing import Any

import httpx2

from tests.support.installation import Installation, installation, until
from tests.support.simulator import RunningSimulator

GUESSES, FAILURES, FORBIDDEN = 25, 12, 8


def ask(made: Installation, method: str, path: str, key: str | None, body: Any = None) -> int:
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.request(method, made.running.url + path, headers=headers, json=body, timeout=30).status_code


def counts(made: Installation) -> dict[tuple[str, str, str], int]:
    found: dict[tuple[str, str, str], int] = {}
    for row in made.running.api("GET", "/audit", per_page=500):
        if row["outcome"] != "ok":
            kind = (row["outcome"], row["action"], row["error_code"])
            found[kind] = found.get(kind, 0) + row["count"]
    return found


def is_back(made: Installation) -> bool:
    try:
        return ask(made, "GET", "/api/v1/health", made.admin_key) == 200
    except httpx2.TransportError:
        return False


def test_refusals_and_failures_outlive_their_processes(
    tmp_path: Path, upstream: RunningSimulator, database_env: dict[str, str]
) -> None:
    with installation(tmp_path / "one", upstream, env=database_env) as made:
        plain = made.running.create_key("plain", scopes=["models:read"])
        # Known to the relay before: what is asked of it below is answered at once.
        assert ask(made, "GET", "/v1/models", plain) == 200
        for number in range(FAILURES):
            assert ask(made, "POST", "/api/v1/departments", made.admin_key, {"wrong": number}) == 400
        for _ in range(FORBIDDEN):
            assert ask(made, "POST", "/api/v1/departments", plain, {"name": "not allowed"}) == 403
        made.kill_one("control")
        until(lambda: is_back(made), "control is back", 150)
        for number in range(GUESSES):
            assert ask(made, "GET", "/v1/models", f"tp-guessed-{number:040}") == 401
        made.kill_one("relay")
        made.kill_one("control")
        until(lambda: is_back(made), "control is back", 150)
        expected = {
            ("failed", "department.create", "INVALID_REQUEST"): FAILURES,
            ("refused", "department.create", "SCOPE_MISSING"): FORBIDDEN,
            ("refused", "call.refused", "UNAUTHENTICATED"): GUESSES,
        }
        until(lambda: counts(made).items() >= expected.items(), f"each once: {expected}", 20)
        assert counts(made) == expected
        assert made.stop() == 0
        said = json.loads(made.command("audit", "verify", "--json"))
        assert said["ok"]
        assert (said["signed_seq"], said["unsigned"]) == (said["last"], 0), "signed to its end when it was stopped"
