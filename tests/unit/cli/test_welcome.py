import json
import shlex
from pathlib import Path

from turnpike.cli.first_run.welcome import Command, Facts, first_call, for_a_person, take_first_key


def facts(**values: object) -> Facts:
    given = {
        "url": "http://127.0.0.1:8080",
        "data_dir": Path("/data"),
        "first_key_file": Path("/data/first-key.txt"),
        "model": "it's",
        "simulated": True,
        "command": Command(".venv/bin/turnpike", Path("a b")),
    }
    return Facts(**{**given, **values})  # pyright: ignore[reportArgumentType]


def test_the_first_call_is_a_command_that_a_shell_reads_as_meant():
    words = shlex.split(first_call("http://h:1", "it's", "tp-k").replace("\\\n", " "))
    assert words[:2] == ["curl", "http://h:1/v1/chat/completions"]
    assert "Authorization: Bearer tp-k" in words
    assert json.loads(words[-1])["model"] == "it's"


def test_the_key_can_be_taken_once(tmp_path: Path):
    file = tmp_path / "first-key.txt"
    file.write_text("tp-k\n")
    assert take_first_key(file) == "tp-k"
    assert not file.exists()
    assert take_first_key(file) is None


def test_a_person_reads_the_key_the_call_and_that_it_is_a_simulator():
    text = for_a_person(facts(), "tp-k")
    assert text.count("tp-k") == 2
    assert "simulator" in text
    assert ".venv/bin/turnpike providers add openai --data-dir 'a b'" in text


def test_a_later_start_shows_no_key_but_where_it_goes():
    text = for_a_person(facts(simulated=False), None)
    assert "Bearer $TURNPIKE_API_KEY" in text
    assert "simulator" not in text
