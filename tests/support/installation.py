"""An installation that outlives its processes: a data folder on which a gateway is started, killed and started again.

Processes are looked up in /proc, as an operator would: nothing in the product is asked for them.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.support.gateway import RunningGateway, wait_for
from tests.support.gateways import Gateway, bare_environment, turnpike
from tests.support.simulator import RunningSimulator

PATIENCE_S = 60.0
"""For a condition that holds within a second or two on a machine that is not busy."""
PROVIDER_KEY = "sk-e2e-provider-8888"
PRICES_USD_PER_MILLION = {"input": 1.0, "output": 2.0}
DEFAULTS = {"TURNPIKE_SIMULATOR": "false", "TURNPIKE_DRAIN_TIMEOUT_S": "5"}


class Installation:
    """`start` as often as wished; the address stays the same from the first start on."""

    def __init__(
        self, folder: Path, simulator: RunningSimulator, *, relays: int = 1, env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.simulator = simulator
        self.relays = relays
        self.env = {**DEFAULTS, **(env or {})}
        self.admin_key: str | None = None
        """Read at the first start; of a gateway on another's database it must be given."""
        self._gateway: Gateway | None = None
        self._port = 0

    # ---- life

    def start(self, *arguments: str) -> RunningGateway:
        """Raises AssertionError with the log when it does not start."""
        self._gateway = Gateway(self.folder, *arguments, port=self._port, relays=self.relays, **self.env)
        self._port = int(self._gateway.facts["port"])
        if self.admin_key is None:
            self.admin_key = self._gateway.first_key()
        return self.running

    @property
    def running(self) -> RunningGateway:
        assert self.admin_key is not None
        return RunningGateway(self.gateway.process, self.gateway.url, self.admin_key, self.folder, self.simulator)

    @property
    def gateway(self) -> Gateway:
        assert self._gateway is not None
        return self._gateway

    @property
    def log(self) -> str:
        return self.gateway.log.read_text()

    def stop(self) -> int:
        """In order; returns the exit code."""
        return self.gateway.stop(PATIENCE_S)

    def kill(self) -> None:
        """The supervisor alone, as the kernel kills: its children have to notice."""
        self.gateway.process.kill()
        self.gateway.process.wait()
        self.close()

    def close(self) -> None:
        if self._gateway is not None:
            self._gateway.__exit__()

    # ---- processes

    def children(self, program: str) -> list[int]:
        """Pids of the running `relay`, `control` or `control.drain` processes."""
        return [
            pid for pid in children_of(self.gateway.process.pid) if f"turnpike.{program}" in command_line(pid).split()
        ]

    def kill_one(self, program: str) -> int:
        """kill -9 of one of them, once it is there; returns its pid."""
        (pid, *_) = wait_for(f"a process of {program}", lambda: self.children(program) or None, PATIENCE_S)
        os.kill(pid, signal.SIGKILL)
        return pid

    # ---- what there is

    def answers(self) -> bool:
        """Whether every part of it is well, by its own word, and the platform's interface is there: control answers
        relays before it does callers."""
        if self.health().get("status") != "healthy":
            return False
        return httpx2.get(f"{self.gateway.url}/api/v1/health", timeout=10).status_code == 200

    def health(self) -> dict[str, Any]:
        try:
            return httpx2.get(f"{self.gateway.url}/health", timeout=10).json()
        except (httpx2.TransportError, json.JSONDecodeError):
            return {}

    def wait_until_well(self) -> None:
        try:
            until(self.answers, "the gateway says that it is healthy")
        except AssertionError as error:
            raise AssertionError(f"{error}; it says {self.health()}") from error

    def rows(self) -> list[dict[str, Any]]:
        """The whole ledger, asked of the running gateway."""
        headers = {"authorization": f"Bearer {self.admin_key}"}
        address = f"{self.gateway.url}/api/v1/ledger/export"
        response = httpx2.get(address, params={"format": "ndjson"}, headers=headers, timeout=PATIENCE_S)
        assert response.status_code == 200, response.text
        return [json.loads(line) for line in response.text.splitlines()]

    def wait_for_rows(self, request_ids: set[str]) -> list[dict[str, Any]]:
        """The ledger, once it has all of these."""
        until(lambda: request_ids <= {row["request_id"] for row in self.rows()}, "every call has its row")
        return self.rows()

    def exported(self) -> list[dict[str, Any]]:
        """The whole ledger by the command, whether a server runs or not."""
        return [json.loads(line) for line in self.command("ledger", "export", "--format", "ndjson").splitlines()]

    def command(self, *arguments: str, stdin: str = "") -> str:
        """What a command says; it must have done what was asked."""
        done = turnpike(*arguments, folder=self.folder, stdin=stdin, env=bare_environment(**self.env))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def installation(
    folder: Path,
    simulator: RunningSimulator,
    *,
    relays: int = 1,
    env: Mapping[str, str] | None = None,
    admin_key: str | None = None,
) -> Iterator[Installation]:
    """Started, and in the end stopped with all that it started."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Installation(folder / "data", simulator, relays=relays, env=env)
    made.admin_key = admin_key
    try:
        made.start()
        yield made
    finally:
        made.close()


def add_models(
    gateway: RunningGateway, models: Mapping[str, str], *, slug: str = "upstream", vendor: str = "openai"
) -> str:
    """A provider in front of the simulator with these models (name to the name that the simulator is asked for), all
    with a price. Returns the provider's id, once the models are served."""
    provider = gateway.api(
        "POST",
        "/ai/providers",
        {
            "vendor": vendor,
            "name": slug,
            "slug": slug,
            "api_base_url": gateway.simulator.openai_url,
            "shared_api_key": PROVIDER_KEY,
            "allow_addresses": ["127.0.0.1/32"],
        },
    )
    for name, model_id in models.items():
        body = {"provider": slug, "name": name, "model_id": model_id, "capabilities": ["chat"]}
        gateway.api("POST", "/ai/models", {**body, "price_override": PRICES_USD_PER_MILLION})
    for name in models:
        gateway.wait_for_model(name)
    return provider["id"]


def chat(url: str, key: str, model: str, text: str = "Hello!", **more: Any) -> httpx2.Response:
    """One call on a connection of its own, so that it may meet any relay."""
    headers = {"authorization": f"Bearer {key}", **more.pop("headers", {})}
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return httpx2.post(f"{url}/v1/chat/completions", json=body, headers=headers, timeout=PATIENCE_S)


def until(condition: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> float:
    """Waits; returns how long it took, in seconds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < timeout_s, f"not within {timeout_s} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


# ---- /proc


def children_of(pid: int) -> list[int]:
    """Empty for a process that is gone."""
    try:
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except FileNotFoundError:
        return ""


def is_alive(pid: int) -> bool:
    """A zombie is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files(pid: int) -> list[str]:
    """What its descriptors stand for."""
    names = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            names.append(os.readlink(entry))
        except FileNotFoundError:
            continue
    return names


def run_shell(script: str, *, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", script], cwd=cwd, env=dict(env), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
