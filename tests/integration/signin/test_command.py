"""`turnpike users`, `turnpike roles` and `turnpike sessions`, on a folder without a server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from turnpike.cli.app import run

Turnpike = Callable[..., Any]


@pytest.fixture
def turnpike(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Turnpike:
    """Runs a command with --json and returns what it says; fails the test unless the exit code is as wanted."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str, code: int = 0) -> Any:
        assert run([*words, "--data-dir", str(tmp_path / "data"), "--json"]) == code, capsys.readouterr()
        said = capsys.readouterr()
        return json.loads(said.out or said.err)

    return call


def test_people_are_added_listed_changed_and_let_in(turnpike: Turnpike) -> None:
    made = turnpike("users", "add", "Ada", "--email", "Ada@example.com", "--link")
    assert made["email"] == "ada@example.com"
    assert made["link"]["url"].startswith("http://127.0.0.1:8080/welcome#tpl-")
    assert turnpike("users", "set-role", "ada@example.com", "admin")["role"] == "admin"
    assert {row["display_name"] for row in turnpike("users", "list")} == {"Administrator", "Ada"}
    assert turnpike("users", "deactivate", made["id"])["is_active"] is False
    assert {row["display_name"] for row in turnpike("users", "list")} == {"Administrator"}
    assert turnpike("users", "activate", "Ada")["is_active"] is True
    assert turnpike("users", "link", "Administrator")["user_id"] != made["id"]
    assert "nobody" in str(turnpike("users", "link", "Eve", code=1))
    assert turnpike("users", "deactivate", "Administrator", code=1)["error"]["code"] == "CONFLICT"


def test_sessions_are_listed_and_revoked(turnpike: Turnpike) -> None:
    made = turnpike("users", "add", "Ada", "--email", "ada@example.com")
    assert turnpike("sessions", "list") == []
    assert turnpike("sessions", "revoke", "--user", "ada@example.com") == {"ended": 0}
    assert turnpike("sessions", "revoke", made["id"], code=1)["error"]["code"] == "NOT_FOUND"
    assert turnpike("sessions", "revoke", code=1)["error"]["code"] == "INVALID_REQUEST"


def test_roles_are_made_given_and_taken_away(turnpike: Turnpike) -> None:
    made = turnpike("roles", "set", "auditor", "--permission", "view_audit=all_data", "--permission", "chat")
    assert made["permissions"] == {"chat": "own_data", "view_audit": "all_data"}
    assert [row["name"] for row in turnpike("roles", "list")][-1] == "auditor"
    assert "chat" in {row["name"] for row in turnpike("roles", "list", "--permissions")}
    assert turnpike("users", "add", "Ada", "--role", "auditor")["role"] == "auditor"
    key = turnpike("keys", "create", "--name", "k", "--role", "auditor")
    assert key["role"] == "auditor"
    assert turnpike("roles", "remove", "auditor", code=1)["error"]["details"] == {"users": 1, "keys": 1, "issuers": []}
    turnpike("users", "set-role", "Ada", "user")
    turnpike("keys", "revoke", key["id"])
    assert turnpike("roles", "remove", "auditor")["name"] == "auditor"
    assert turnpike("roles", "set", "odd", "--permission", "fly", code=1)["error"]["code"] == "INVALID_REQUEST"
