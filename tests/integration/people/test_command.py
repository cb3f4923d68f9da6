"""`turnpike departments`, `invitations`, `scim`, `users invite|export|erase`, on a folder without a server."""

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


def test_departments_and_their_people(turnpike: Turnpike) -> None:
    made = turnpike("departments", "add", "Interns", "--code", "I1", "--tier", "free", "--model", "gpt-*,claude-*")
    assert (made["models"], made["default_tier"]) == (["gpt-*", "claude-*"], "free")
    assert turnpike("users", "add", "Ada", "--department", "I1")["department_id"] == made["id"]
    turnpike("departments", "add", "Research")
    changed = turnpike("departments", "change", "I1", "--tier", "none", "--model", "all")
    assert (changed["default_tier"], changed["models"]) == (None, [])
    assert turnpike("departments", "remove", "Interns", code=1)["error"]["code"] == "CONFLICT"
    assert turnpike("departments", "remove", "Interns", "--move-to", "Research") == {"moved": 1}
    assert turnpike("departments", "move", "Administrator", "Research") == {"moved": 1}
    people = turnpike("departments", "show", "Research")["people"]
    assert {person["display_name"] for person in people} == {"Ada", "Administrator"}
    assert [row["members"] for row in turnpike("departments", "list")] == [2]


def test_people_come_and_go(turnpike: Turnpike, tmp_path: Path) -> None:
    made = turnpike("users", "invite", "ada@example.com", "--role", "admin")
    assert made["url"].startswith("http://127.0.0.1:8080/welcome#tpi-")
    assert [row["email"] for row in turnpike("invitations", "list")] == ["ada@example.com"]
    assert turnpike("invitations", "revoke", "ada@example.com")["status"] == "revoked"
    assert turnpike("invitations", "revoke", "ada@example.com", code=1)["error"]["code"] == "NOT_FOUND"
    turnpike("users", "add", "Grace", "--email", "grace@example.com")
    file = tmp_path / "grace.json"
    assert turnpike("users", "export", "Grace", "--out", str(file))["bytes"] == file.stat().st_size
    assert json.loads(file.read_text())["profile"]["email"] == "grace@example.com"
    assert turnpike("users", "export", "Grace", "--out", str(file), code=1)["error"]["code"] == "INVALID_REQUEST"
    assert turnpike("users", "erase", "Grace", code=1)["error"]["code"] == "INVALID_REQUEST"
    assert turnpike("users", "erase", "Grace", "--yes")["complete"] is True
    assert turnpike("users", "erase", "Administrator", "--yes", code=1)["error"]["code"] == "CONFLICT"


def test_provisioning_is_set_up(turnpike: Turnpike) -> None:
    made = turnpike("scim", "token", "add", "Entra ID", "--expires", "30d")
    assert made["token"].startswith("tps-")
    assert made["base_url"] == "http://127.0.0.1:8080/scim/v2"
    assert [row["status"] for row in turnpike("scim", "token", "list")] == ["active"]
    assert turnpike("scim", "mapping", "add", "Admins", code=1)["error"]["code"] == "INVALID_REQUEST"
    turnpike("scim", "mapping", "add", "Admins", "--role", "admin")
    assert [row["group"] for row in turnpike("scim", "mapping", "list")] == ["Admins"]
    assert turnpike("scim", "mapping", "remove", "Admins")["role"] == "admin"
    assert turnpike("scim", "token", "revoke", "Entra ID")["status"] == "revoked"
