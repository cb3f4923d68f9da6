"""What a newcomer does, literally: start, copy the call that is shown, follow the README, stop."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.gateway import RunningGateway
from tests.support.gateways import TURNPIKE, Gateway, bare_environment, turnpike, turnpike_json
from tests.support.installation import PATIENCE_S, run_shell, until

README = (Path(__file__).parents[2] / "README.md").read_text()
SIMULATED = "This is the Turnpike simulator, not a real model."
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    """The README's code blocks, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


class Home:
    """A newcomer's empty home, and the folder that the gateway was started in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.env = bare_environment(HOME=str(folder), PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}")
        self.key = ""
        self.gateway: Gateway | None = None

    def start(self) -> Gateway:
        self.gateway = Gateway(self.data, HOME=str(self.folder))
        return self.gateway

    def here(self, text: str) -> str:
        """A text of the README with this gateway's address and key."""
        assert self.gateway is not None
        return text.replace("tp-...", self.key).replace("http://127.0.0.1:8080", self.gateway.url)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    folder = tmp_path / "home"
    folder.mkdir()
    made = Home(folder)
    yield made
    if made.gateway is not None:
        made.gateway.__exit__()


@pytest.fixture(scope="module")
def readme_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One gateway, freshly started, for the README's examples."""
    made = Home(tmp_path_factory.mktemp("readme"))
    with made.start() as gateway:
        made.key = gateway.first_key()
        yield made


@contextmanager
def plain_server(home: Home) -> Iterator[list[dict[str, Any]]]:
    """`turnpike serve` with nobody at a terminal, in the empty folder; yields its log, and stops it in order."""
    log = home.folder / "serve.log"
    with log.open("w") as stream:
        argv = [*TURNPIKE, "serve", "--port", "0", "--relays", "1"]
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stream, cwd=home.folder, env=home.env
        )
    with process:
        try:
            until(lambda: '"event":"a first call"' in log.read_text() or process.poll() is not None, "it is open")
            yield [json.loads(line) for line in log.read_text().splitlines()]
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
            assert process.stdout is not None
            assert process.stdout.read() == b"", "all that it says is in its log"
        finally:
            process.kill()


def event_named(events: list[dict[str, Any]], start: str) -> dict[str, Any]:
    (event,) = [event for event in events if event["event"].startswith(start)]
    return event


def answer_of(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    assert body["object"] == "chat.completion", body
    return body["choices"][0]["message"]["content"]


def test_a_first_start_keeps_one_key_and_a_second_makes_no_other(home: Home) -> None:
    file = home.data / "first-key.txt"
    with plain_server(home) as events:
        assert sorted(path.name for path in home.folder.iterdir()) == ["data", "serve.log"]
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        key = file.read_text().strip()
        assert event_named(events, "the administrator's API key is in a file")["file"] == str(file)
        assert key not in json.dumps(events)
        call = event_named(events, "a first call")["command"]
        assert SIMULATED in answer_of(run_shell(call, cwd=home.folder, env=home.env))
    file.unlink()  # as the log says: read it, keep it, delete it
    with plain_server(home) as events:
        assert not file.exists()
        (listed,) = turnpike_json("keys", "list", folder=home.data)
        assert key.startswith(listed["prefix"])
        call = event_named(events, "a first call")["command"]
        assert SIMULATED in answer_of(run_shell(call, cwd=home.folder, env={**home.env, "TURNPIKE_API_KEY": key}))


def test_sigterm_lets_a_running_stream_end(home: Home) -> None:
    with home.start() as gateway:
        running = RunningGateway(gateway.process, gateway.url, gateway.first_key(), home.data, None)  # pyright: ignore[reportArgumentType]
        body = {"provider": "simulator", "name": "paced", "model_id": "sim/pace=30ms", "capabilities": ["chat"]}
        running.api("POST", "/ai/models", body)
        running.wait_for_model("paced")
        call = {"model": "paced", "stream": True, "messages": [{"role": "user", "content": "[words:60]"}]}
        headers = {"authorization": f"Bearer {running.admin_key}", "x-request-id": "drained"}
        address = f"{gateway.url}/v1/chat/completions"
        with httpx2.stream("POST", address, json=call, headers=headers, timeout=PATIENCE_S) as answer:
            lines = answer.iter_lines()
            first = next(lines)
            gateway.process.terminate()
            until(lambda: '"stopping"' in gateway.log.read_text(), "the gateway heard the signal")
            text = "\n".join([first, *lines])
        assert text.count('"content":') >= 60
        assert text.rstrip().endswith("data: [DONE]")
        assert gateway.process.wait(PATIENCE_S) == 0
    done = turnpike("ledger", "export", folder=home.data)
    (row,) = [row for line in done.stdout.splitlines() if (row := json.loads(line))["request_id"] == "drained"]
    assert (row["outcome"], row["output_tokens"]) == ("ok", 60)


def test_the_doctor_finds_nothing_wrong(readme_home: Home) -> None:
    done = turnpike("doctor", folder=readme_home.data, env=readme_home.env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("Nothing is wrong.")


# ---- the README, word for word


def test_the_readmes_first_call_works_in_a_shell(readme_home: Home) -> None:
    (script,) = [block for block in blocks("sh") if "curl " in block]
    assert SIMULATED in answer_of(run_shell(readme_home.here(script), cwd=readme_home.folder, env=readme_home.env))


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_the_readmes_python_works(readme_home: Home, sdk: str) -> None:
    (script,) = [block for block in blocks("python") if f"from {sdk} import" in block]
    file = readme_home.folder / f"{sdk}_example.py"
    file.write_text(readme_home.here(script))
    done = run_shell(f"python {file.name}", cwd=readme_home.folder, env=readme_home.env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(SIMULATED)


def test_the_readmes_javascript_works(readme_home: Home) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    modules = os.environ.get("NODE_PATH", "")
    package = next(
        (Path(place, "openai") for place in modules.split(os.pathsep) if Path(place, "openai").exists()), None
    )
    if package is None:
        pytest.skip("the npm package openai is not in NODE_PATH")
    (script,) = blocks("javascript")
    (readme_home.folder / "node_modules").mkdir(exist_ok=True)
    (readme_home.folder / "node_modules" / "openai").symlink_to(package)
    (readme_home.folder / "example.mjs").write_text(readme_home.here(script))
    done = run_shell("node example.mjs", cwd=readme_home.folder, env={**os.environ, "HOME": str(readme_home.folder)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(SIMULATED)


def test_the_readmes_commands_work(readme_home: Home) -> None:
    (script,) = [block for block in blocks("sh") if "turnpike keys create" in block]
    lines = [line for line in script.splitlines() if line.startswith("turnpike ")]
    assert len(lines) == 8
    # The provider's key comes from standard input, and its list of models from a server that is not asked here.
    lines[0] = lines[0].replace("--api-key -", "--api-key - --model gpt-example")
    assert lines[0].startswith("turnpike providers add openai")
    script = "set -e\necho sk-from-standard-input | " + "\n".join(lines)
    done = run_shell(script, cwd=readme_home.folder, env=readme_home.env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ada's laptop" in done.stdout
    assert "sk-from-standard-input" not in done.stdout + done.stderr
    assert (readme_home.folder / "calls.csv").read_text().startswith("event_id,")
    names = [row["name"] for row in turnpike_json("keys", "list", folder=readme_home.data)]
    assert "Ada's laptop" in names
