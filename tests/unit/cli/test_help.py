"""The help: every command has one, docs/cli.md is it, and none of it costs an import."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from turnpike.cli.app import run
from turnpike.cli.reference import renewed
from turnpike.cli.texts import COMMANDS, GROUPS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_shows_what_it_does_an_example_and_the_common_options(
    path: str, capsys: pytest.CaptureFixture[str]
):
    assert run([*path.split(), "--help"]) == 0
    out = capsys.readouterr().out
    assert COMMANDS[path][1].splitlines()[0] in out
    assert f"turnpike {path}" in out.partition("For example")[2]
    assert "--data-dir" in out
    assert "--json" in out


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_lists_its_commands(group: str, capsys: pytest.CaptureFixture[str]):
    assert run([*group.split(), "--help"]) == 0
    out = capsys.readouterr().out
    assert all(path.removeprefix(group).split()[0] in out for path in COMMANDS if path.startswith(f"{group} "))


@pytest.mark.parametrize("path", COMMANDS)
def test_a_text_and_its_command_begin_alike(path: str):
    module, _, name = COMMANDS[path][0].partition(":")
    command = getattr(importlib.import_module(f"turnpike.cli.commands.{module}"), name)
    assert inspect.getdoc(command) == COMMANDS[path][1].splitlines()[0]


def test_the_document_is_the_help():
    document = (ROOT / "docs" / "cli.md").read_text()
    assert document == renewed(document), "renew it: python -m turnpike.cli.reference"


def test_help_and_version_import_no_framework():
    source = (
        "import sys; from turnpike.cli.app import run; run(['--help']); run(['keys', '--help']);"
        "run(['version']); print({'fastapi', 'sqlalchemy', 'pydantic', 'httpx2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
