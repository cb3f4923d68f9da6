"""The examples of docs/sdks.md run as they stand there, but for address, key and model."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.support.cases import GREETING
from tests.support.clients import NODE_CLIENTS, ClientCase, Result, node_command, run_clients
from tests.support.gateway import SIDES, RunningGateway

TEXT = (Path(__file__).parents[2] / "docs" / "sdks.md").read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r"```(python|js)\n(.*?)```", TEXT, re.DOTALL)
SAID = f"{GREETING} You said: hello"


def of(language: str) -> list[str]:
    return [code for written_in, code in BLOCKS if written_in == language]


def name_of(code: str) -> str:
    """By what it imports first."""
    found = re.search(r"(?:from|import) ['\"]?([@\w./-]+)|from \"([^\"]+)\"", code.replace("{ ", ""))
    return found[0].split()[-1] if found else code[:20]


def filled(code: str, gateway: RunningGateway, key: str, dialect: str) -> str:
    assert "http://127.0.0.1:8080" in code
    assert "tp-your-key" in code
    assert "my-model" in code
    placed = code.replace("http://127.0.0.1:8080", gateway.url).replace("tp-your-key", key)
    return placed.replace("my-model", SIDES[dialect].model)


@pytest.fixture(scope="session")
def printed(gateway: RunningGateway, caller_key: str) -> dict[str, Result]:
    """What the Python examples printed, by their number."""

    @cache
    def run() -> dict[str, Result]:
        cases = [
            ClientCase(str(number), "", "run", "", "", filled(code, gateway, caller_key, "cohere_chat"))
            for number, code in enumerate(of("python"))
        ]
        return run_clients("snippets", cases)

    return run()


@pytest.mark.xdist_group("sdk-snippets")
@pytest.mark.parametrize("number", range(len(of("python"))), ids=[name_of(code) for code in of("python")])
def test_a_python_example_prints_the_answer(printed: dict[str, Result], number: int) -> None:
    result = printed[str(number)]

    assert result.get("text", "").strip() == SAID, result.get("trace")


@pytest.mark.xdist_group("sdk-snippets")
@pytest.mark.parametrize("number", range(len(of("js"))))
def test_a_javascript_example_prints_the_answer(gateway: RunningGateway, caller_key: str, number: int) -> None:
    code = filled(of("js")[number], gateway, caller_key, "openai_chat")
    done = subprocess.run(
        [*node_command(), "--input-type=module", "--eval", code],
        cwd=NODE_CLIENTS,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.strip() == SAID, done.stderr


def test_the_configuration_of_the_llm_command_is_the_tested_one() -> None:
    """tests/conformance/clients/llm_command.py writes the same lines."""
    written = (Path(__file__).parent / "clients" / "llm_command.py").read_text()
    block = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    for line in block[1].splitlines():
        field = line.replace("- ", "  ").split(":")[0].strip()
        assert f"{field}:" in written, line
