"""What a bad deployment beside a healthy one costs callers: how many fail, and how much later the slowest have answers.

    python -m bench.failing [--json]

A whole gateway with one relay before a simulator whose answers take 50 ms. Writes bench/results/failing.json. Takes
about half a minute. "Added" is against the same load on two healthy deployments in the same run; a retry is another
50 ms.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.crowd import Ended, asks, crowd, quantile_s, share_whole
from tests.support.gateway import UPSTREAM_KEY, RunningGateway, running_gateway
from tests.support.simulator import running_simulator

from bench import machine

_LATENCY = "latency=50ms"
_FAULTS = {
    "healthy": _LATENCY,
    "fails 30 %": f"share=30%,status=500,{_LATENCY}",
    "fails": f"status=500,{_LATENCY}",
    "hangs": "hang",
    "429": f"status=429,{_LATENCY}",
    "429, Retry-After: 1": f"retry-after=1,{_LATENCY}",
}
_CALLS = 1500
_ONSET = 100
"""Calls that are shown by themselves: while the gateway finds out that one is bad."""
_HANG_S = 1.0
_RESULT = Path(__file__).parent / "results" / "failing.json"
Row = dict[str, float]


def measure() -> dict[str, Row]:
    """By fault: share of the calls that succeeded, seconds, and attempts a call."""
    with tempfile.TemporaryDirectory() as folder, running_simulator() as simulator:  # noqa: SIM117
        with running_gateway(Path(folder), simulator) as gateway:
            for slug in ("one", "two"):
                body = {"vendor": "openai", "name": slug, "slug": slug, "api_base_url": f"{simulator.url}/v1"}
                access = {"shared_api_key": UPSTREAM_KEY, "allow_addresses": ["127.0.0.1/32"]}
                gateway.api("POST", "/ai/providers", {**body, **access})
            gateway.api("PATCH", "/admin/resilience", {"hang_timeout_s": _HANG_S, "hang_timeout_whole_s": _HANG_S})
            return {
                name: _measured(gateway, name, number, fault) for number, (name, fault) in enumerate(_FAULTS.items())
            }


def _measured(gateway: RunningGateway, name: str, number: int, fault: str) -> Row:
    model = f"model-{number}"
    for slug, faults in (("one", fault), ("two", _LATENCY)):
        body = {"provider": slug, "name": model, "model_id": f"sim/{faults},key={number}{slug}"}
        gateway.api("POST", "/ai/models", {**body, "capabilities": ["chat"]})
    gateway.wait_for_model(model)
    port = urlsplit(gateway.url).port or 0
    raws = asks(model, gateway.admin_key)
    print(name, file=sys.stderr)
    return _row(asyncio.run(crowd(port, raws, _ONSET)), asyncio.run(crowd(port, raws, _CALLS)))


def _row(onset: list[Ended], then: list[Ended]) -> Row:
    """`onset`: while the gateway finds out."""
    shares = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}
    done = [*onset, *then]
    return {
        "success": share_whole(done),
        "onset_max_ms": round(quantile_s(onset, 1.0) * 1000, 1),
        **{name: round(quantile_s(then, share) * 1000, 1) for name, share in shares.items()},
        "attempts": round(sum(each.attempts for each in done) / len(done), 3),
        "most_attempts": max(each.attempts for each in done),
    }


def main() -> None:
    rows = measure()
    for row in rows.values():
        row["added_p99_ms"] = round(row["p99_ms"] - rows["healthy"]["p99_ms"], 1)
    report = {"machine": machine.describe(), "busy": round(machine.other_load(), 3), "calls": _CALLS, "rows": rows}
    _RESULT.write_text(json.dumps(report, indent=2) + "\n")
    if "--json" in sys.argv:
        print(json.dumps(report))
        return
    names = list(rows["healthy"])
    print(f"{'':22}" + "".join(f"{name:>14}" for name in names))
    for name, row in rows.items():
        print(f"{name:22}" + "".join(f"{row[each]:14.4g}" for each in names))


if __name__ == "__main__":
    main()
