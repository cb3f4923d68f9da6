"""How the command ends: exit codes, one line for a person, an object for a script."""

import json
from pathlib import Path

import pytest

from turnpike.cli.app import run


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]):
    assert run(["nonsense"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("turnpike: ")
    assert "nonsense" in err
    assert err.count("\n") == 1


def test_a_usage_error_is_an_object_for_a_script(capsys: pytest.CaptureFixture[str]):
    assert run(["keys", "create", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "USAGE"
    assert "--name" in error["message"]


def test_a_scope_that_is_none_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert run(["keys", "create", "--name", "x", "--scope", "everything", "--data-dir", str(tmp_path)]) == 1
    assert "everything is no scope; take from models:read, " in capsys.readouterr().err


def test_a_setting_that_is_wrong_is_named_without_its_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("TURNPIKE_RELAYS", "secret-value")
    assert run(["models", "list", "--data-dir", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert "TURNPIKE_RELAYS" in err
    assert "secret-value" not in err


def test_an_option_that_is_wrong_is_named_as_an_option(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert run(["serve", "--port", "70000", "--data-dir", str(tmp_path)]) == 1
    assert "--port: Input should be less than or equal to 65535" in capsys.readouterr().err


def test_version_is_an_object_for_a_script(capsys: pytest.CaptureFixture[str]):
    assert run(["version", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"version", "contract", "python", "platform"}
