"""A newcomer's first start, on a real terminal and without one."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.gateways import TURNPIKE, Gateway, bare_environment, turnpike, turnpike_json
from tests.support.terminal import Terminal

ROOT = Path(__file__).parents[3]
KEYS = {"OPENAI_API_KEY": "sk-env-secret-openai", "GROQ_API_KEY": "gsk-env-secret-groq"}


def serve(folder: Path, *arguments: str, **env: str) -> Terminal:
    argv = [*TURNPIKE, "serve", "--port", "0", "--relays", "1", "--data-dir", str(folder), *arguments]
    return Terminal(argv, cwd=folder.parent, env=bare_environment(**env))


def shown_call(text: str) -> str:
    """The curl command on the screen, as a person copies it."""
    lines = text.partition("A first call:")[2].splitlines()
    start = next(index for index, line in enumerate(lines) if line.strip().startswith("curl"))
    end = next(index for index in range(start, len(lines)) if not lines[index].endswith("\\"))
    return "\n".join(line.strip() for line in lines[start : end + 1])


def test_a_newcomer_is_asked_says_no_and_gets_a_call_that_works(folder: Path):
    with serve(folder, **KEYS) as terminal:
        text = terminal.read_until("n: none]")
        assert "1  OpenAI" in text
        assert "2  Groq" in text
        terminal.type("n")
        text = terminal.read_until("doctor --data-dir")
        assert "env-secret" not in text
        (key,) = set(re.findall(r"tp-[\w-]+", text.partition("API key, shown this once")[2]))
        assert not (folder / "first-key.txt").exists()
        assert "simulator" in text
        done = subprocess.run(["sh", "-c", shown_call(text)], capture_output=True, text=True, timeout=20, check=False)
        assert json.loads(done.stdout)["object"] == "chat.completion"
        terminal.press_ctrl_c()
        assert terminal.end() == 0
    with serve(folder, **KEYS) as again:
        text = again.read_until("doctor --data-dir")
        assert "Register" not in text
        assert key not in text
        call = shown_call(text).replace("$TURNPIKE_API_KEY", key)
        done = subprocess.run(["sh", "-c", call], capture_output=True, text=True, timeout=20, check=False)
        assert json.loads(done.stdout)["object"] == "chat.completion", again.text


def test_an_answer_that_is_none_is_asked_for_again(folder: Path):
    with serve(folder, **KEYS) as terminal:
        terminal.read_until("n: none]")
        terminal.type("what?")
        terminal.read_until("Please answer with Enter, n, or numbers from 1 to 2")
        terminal.type("2")
        terminal.read_until("provider registered")
        terminal.read_until("doctor --data-dir")
        assert [row["slug"] for row in turnpike_json("providers", "list", folder=folder)] == ["groq"]


def test_ctrl_c_at_the_question_ends_the_server(folder: Path):
    with serve(folder, **KEYS) as terminal:
        terminal.read_until("n: none]")
        terminal.press_ctrl_c()
        assert terminal.end() == 0
    assert turnpike_json("providers", "list", folder=folder) == []


def test_without_a_terminal_nothing_is_registered_but_named_with_its_command(folder: Path):
    with Gateway(folder, **KEYS) as gateway:
        assert gateway.facts["providers"] == ["simulator"]
        found = [event for event in gateway.events() if event["event"] == "provider found, not registered"]
        assert [event["command"].split("serve")[0].split()[-3:] for event in found]
        assert {event["provider"] for event in found} == {"OpenAI", "Groq"}
        assert all("env-secret" not in json.dumps(event) for event in gateway.events())


def test_yes_takes_all_unasked(folder: Path):
    with Gateway(folder, "--yes", **KEYS) as gateway:
        assert sorted(gateway.facts["providers"]) == ["groq", "openai"]
        assert gateway.facts["simulated"] is False
        shown = turnpike("providers", "list", "--json", folder=folder).stdout
        assert "env-secret" not in shown


def test_no_simulator_where_settings_forbid_it(folder: Path):
    with Gateway(folder, TURNPIKE_SIMULATOR="false") as gateway:
        assert gateway.facts["providers"] == []
        assert gateway.facts["model"] is None


def test_no_simulator_in_production(folder: Path):
    with Gateway(folder, TURNPIKE_MODE="production") as gateway:
        assert gateway.facts["providers"] == []


def test_the_simulator_is_not_started_again_once_its_provider_is_gone(folder: Path):
    with Gateway(folder) as gateway:
        assert gateway.facts["providers"] == ["simulator"]
    turnpike_json(
        "providers", "add", "openai_compatible", "--name", "own", "--base-url", "https://models.example.com/v1",
        "--model", "m", folder=folder,
    )  # fmt: skip
    (own,) = [row for row in turnpike_json("providers", "list", folder=folder) if row["slug"] == "simulator"]
    with Gateway(folder) as gateway:
        assert [event["child"] for event in gateway.events() if event["event"] == "child ready"].count("simulator") == 2
        turnpike_json("providers", "remove", own["slug"], "--yes", folder=folder)
    with Gateway(folder) as gateway:
        assert gateway.facts["providers"] == ["own"]
        ready = [event["child"] for event in gateway.events() if event["event"] == "child ready"]
        assert ready.count("simulator") <= 3


def test_make_run_hands_its_arguments_on_and_ends_quietly(folder: Path):
    arguments = f'ARGS=--port 0 --relays 1 --data-dir "{folder}"'
    with Terminal(["make", "run", arguments], cwd=ROOT, env=bare_environment()) as terminal:
        terminal.read_until("doctor --data-dir", timeout_s=120)
        assert str(folder) in terminal.text
        terminal.press_ctrl_c()
        terminal.end()
        time.sleep(0.1)
        assert "***" not in terminal.text.partition("^C")[2], terminal.text


@pytest.mark.parametrize("signal", ["TERM", "HUP"])
def test_a_closed_terminal_or_a_service_manager_ends_it_in_order(folder: Path, signal: str):
    with Gateway(folder) as gateway:
        subprocess.run(["kill", f"-{signal}", str(gateway.process.pid)], check=True)
        assert gateway.process.wait(20) == 0
        assert gateway.events()[-1]["event"] == "stopped"
