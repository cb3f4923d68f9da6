"""One measurement each: a load, made by wrk or load.c, against one server."""

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from bench.machine import LOAD_CORE, cpu_seconds, pinned
from bench.programs import BUILD, Running, find

CONNECTIONS = 64
EVENTS_A_STREAM = 53


class Load(NamedTuple):
    """`p50_ms` and `p99_ms` under this load; `cpu_us` is the server's processor time for one answer."""

    per_s: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    failed: int


def _script(folder: Path, model: str, key: str, *, stream: bool) -> Path:
    """A request of about 520 bytes, as RELAY measurements use it."""
    more = '"stream":true,"stream_options":{"include_usage":true},' if stream else ""
    body = (
        f'{{"model":"{model}",{more}"messages":[{{"role":"system","content":"You are a helpful assistant."}},'
        f'{{"role":"user","content":"{"a" * 350}"}}],"temperature":0.7,"max_tokens":256}}'
    )
    path = folder / f"{model}-{stream}.lua"
    path.write_text(
        f"wrk.method = 'POST'\nwrk.body = [[{body}]]\nwrk.headers['Content-Type'] = 'application/json'\n"
        f"wrk.headers['Authorization'] = 'Bearer {key}'\n"
    )
    return path


def full(server: Running, folder: Path, seconds: float, *, model: str = "bench", stream: bool = False) -> Load:
    """As many requests as go through, over 64 connections."""
    script = _script(folder, model, server.key, stream=stream)
    url = f"http://127.0.0.1:{server.port}/v1/chat/completions"
    before = cpu_seconds(server.pids)
    command = [*pinned(LOAD_CORE), find("wrk", "wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}", "--latency",
               "-s", str(script), url]  # fmt: skip
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(server.pids) - before
    answers = int(_first(r"(\d+) requests in", text))
    failed = sum(int(_first(pattern, text, "0")) for pattern in (r"Non-2xx or 3xx responses: (\d+)", r"read (\d+)"))
    return Load(
        float(_first(r"Requests/sec:\s+([\d.]+)", text)),
        used / answers * 1e6 if answers else 0.0,
        _milliseconds(_first(r"(?m)^ +50%\s+(\S+)", text)),
        _milliseconds(_first(r"(?m)^ +99%\s+(\S+)", text)),
        failed,
    )


def at_rate(server: Running, rate: float, seconds: float) -> Load:
    """Requests at a fixed rate: latency as a caller sees it when the server is not full."""
    before = cpu_seconds(server.pids)
    found = _load("rate", server.port, "/v1/chat/completions", server.key, "bench", seconds, int(rate))
    used = cpu_seconds(server.pids) - before
    answers = found["answers"]
    return Load(
        answers / seconds, used / max(1, answers) * 1e6, found["p50_us"] / 1000, found["p99_us"] / 1000,
        found["failures"],
    )  # fmt: skip


class Paced(NamedTuple):
    """Streams that get an event every 10 ms: how late the events come, and the share of a core that it takes."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    core: float


def paced(server: Running, streams: int, seconds: float) -> Paced:
    before = cpu_seconds(server.pids)
    found = _load("paced", server.port, "/v1/chat/completions", server.key, seconds, streams)
    used = cpu_seconds(server.pids) - before
    return Paced(found["p50_us"] / 1000, found["p99_us"] / 1000, found["max_us"] / 1000, used / seconds)


def _load(*arguments: object) -> dict[str, int]:
    command = [*pinned(LOAD_CORE), str(BUILD / "load"), *map(str, arguments)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _first(pattern: str, text: str, otherwise: str | None = None) -> str:
    match = re.search(pattern, text)
    if match is None:
        if otherwise is not None:
            return otherwise
        raise SystemExit(f"wrk said nothing of {pattern}:\n{text}")
    return match[1]


def _milliseconds(text: str) -> float:
    number, unit = _first(r"^([\d.]+)", text), _first(r"(us|ms|s)$", text)
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]
