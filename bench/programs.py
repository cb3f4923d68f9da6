"""The programs that are measured or that measure: found, built, started and stopped."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.machine import GATEWAY_CORE, LOAD_CORE, cpu_seconds, pinned

HERE = Path(__file__).parent
BUILD = HERE / "build"
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}


class Running(NamedTuple):
    """A server under test."""

    name: str
    port: int
    pids: list[int]
    """Processes whose processor time and memory count."""
    key: str
    started_in_s: float


class MissingTool(Exception):
    """A program that is needed is not there; the message says how to get it."""


def find(name: str, package: str) -> str:
    """The path of a tool; installed with apt-get when that is possible. Raises MissingTool."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {package} with apt-get", file=sys.stderr)
        for words in (["update"], ["install", "-y", "--no-install-recommends", package]):
            subprocess.run(["apt-get", *words], check=False, capture_output=True)
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise MissingTool(f"{name} is not installed; install it, for example with: apt-get install {package}")
    return found


def build() -> None:
    """Compiles the mock upstream and the load generator. Raises MissingTool without a C compiler."""
    BUILD.mkdir(exist_ok=True)
    for name in ("mock", "load"):
        source, target = HERE / f"{name}.c", BUILD / name
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            subprocess.run([find("cc", "gcc"), "-O2", "-o", str(target), str(source)], check=True)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@contextmanager
def mock() -> Iterator[int]:
    """The upstream; yields its port."""
    process = subprocess.Popen([*pinned(LOAD_CORE), str(BUILD / "mock"), "0"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[Running]:
    """nginx with proxy_pass and kept connections: the limit to measure by."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(
        f"worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log stderr crit;\n"
        "events { worker_connections 8192; }\n"
        "http {\n  access_log off; keepalive_requests 1000000000; client_body_buffer_size 64k;\n"
        f"  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;\n"
        f"  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n"
        f"  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 1000000000; }}\n"
        f"  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://mock; proxy_http_version 1.1;\n"
        '    proxy_set_header Connection ""; proxy_buffering off; } }\n}\n'
    )
    started = time.monotonic()
    process = subprocess.Popen(
        [*pinned(GATEWAY_CORE), find("nginx", "nginx-light"), "-c", str(config), "-p", str(folder)]
    )
    try:
        _wait_for(port, "/v1/chat/completions", "none")
        took = time.monotonic() - started
        yield Running("nginx", port, _children(process.pid) or [process.pid], "none", took)
    finally:
        process.terminate()
        process.wait()


COMPILED = Path(__file__).parent.parent / ".compiled"
QUIET = {"TURNPIKE_LOG_LEVEL": "warning", "TURNPIKE_SIMULATOR": "false"}
COMMAND = [sys.executable, "-m", "turnpike.cli"]


class Server(NamedTuple):
    """The command line and the log of a `turnpike serve`. `compiled`: as `make run` runs it after `make compiled`."""

    command: list[str]
    log: Path
    compiled: bool = False

    def start(self) -> "subprocess.Popen[bytes]":
        path = {"PYTHONPATH": str(COMPILED)} if self.compiled else {}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command, env={**os.environ, **QUIET, **path}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(60)


GOVERNED = (
    ("limits", "set", "--key", "bench", "--amount", "100000000", "--per", "minute"),
    ("limits", "set", "--key", "bench", "--resource", "tokens", "--amount", "100000000000", "--per", "minute"),
    ("limits", "set", "--key", "bench", "--resource", "concurrency", "--amount", "100000"),
    ("limits", "set", "--gateway", "--amount", "1000000000", "--per", "minute"),
    ("budgets", "set", "--key", "bench", "--amount-usd", "1000000", "--period", "month", "--flat-usd", "0.0001"),
    ("budgets", "set", "--global", "--amount-usd", "1000000", "--period", "month", "--flat-usd", "0.0001"),
    ("routes", "set", "bench", "--to", "bench", "--strategy", "ewma"),
)
"""Three levels of limits, two hard budgets, and health-weighted routing over two deployments."""


@contextmanager
def turnpike(
    folder: Path, upstream: int, name: str = "turnpike", *, governed: bool = False, compiled: bool = False
) -> Iterator[Running]:
    """The whole gateway with one relay, all of it on one core, registered with two deployments of each model.
    `governed`: with limits, budgets and a route besides keys, scopes, prices, journal and metrics."""
    if compiled and not COMPILED.exists():
        raise MissingTool("the path of a request is not compiled: make compiled")
    port = free_port()
    data = ["--data-dir", str(folder / name)]
    listen = ["--host", "127.0.0.1", "--port", str(port), "--relays", "1"]
    server = Server([*pinned(GATEWAY_CORE), *COMMAND, "serve", *listen, *data], folder / f"{name}.log", compiled)
    process = server.start()
    try:
        _wait_for(port, "/health", "none")
        base = f"http://127.0.0.1:{upstream}"
        for slug, vendor, address, models in (
            ("one", "openai_compatible", f"{base}/v1", "bench,paced"),
            ("two", "openai_compatible", f"{base}/v1", "bench,paced"),
            ("three", "anthropic", base, "claude"),
        ):
            where = ["--base-url", address, "--allow-address", "127.0.0.1/32", "--api-key", "sk-bench"]
            _run(*COMMAND, "providers", "add", vendor, "--name", slug, *where, "--model", models, *data, "--json")
        key = json.loads(_run(*COMMAND, "keys", "create", "--name", "bench", *data, "--json"))["key"]
        for provider in ("one", "two"):
            price = ["--provider", provider, "--set", '{"input": 1, "output": 2}']
            _run(*COMMAND, "models", "price", "bench", *price, *data, "--json")
        for words in GOVERNED if governed else ():
            _run(*COMMAND, *words, *data, "--json")
        _stop(process)
        began = time.monotonic()
        process = server.start()
        _wait_for(port, "/v1/chat/completions", key)
        started_in_s = time.monotonic() - began
        gateway = _descendants(process.pid)
        _wait_for_calm(gateway)
        relay = [pid for pid in gateway if "turnpike.relay" in _command_of(pid)]
        yield Running(name, port, relay, key, started_in_s)
    finally:
        _stop(process)


def _run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{' '.join(command)}\n{result.stdout}{result.stderr}")
    return result.stdout


def _wait_for(port: int, path: str, key: str, within_s: float = 30) -> None:
    """Until a request is answered with status 200."""
    body = None if path == "/health" else b'{"model":"bench","messages":[{"role":"user","content":"hello"}]}'
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    end = time.monotonic() + within_s
    while True:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            if time.monotonic() > end:
                raise SystemExit(f"port {port} does not answer {path}: {error}") from error
            time.sleep(0.01)


def _wait_for_calm(pids: list[int], within_s: float = 30) -> None:
    """Until the start is over in every process: the relay answers long before control has done all it does then."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        before = cpu_seconds(pids)
        time.sleep(0.5)
        if cpu_seconds(pids) - before < 0.05:
            return


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    time.sleep(0.1)
    return [int(child) for child in children.read_text().split()]


def _descendants(pid: int) -> list[int]:
    found = _children(pid)
    return found + [grandchild for child in found for grandchild in _children(child)]


def _command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
