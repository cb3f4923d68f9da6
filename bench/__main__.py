"""`make bench`: direct, nginx and Turnpike in one run, as one table, kept in bench/results."""

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import cast

from bench import machine, measure, programs
from bench.programs import Running

RESULTS = Path(__file__).parent / "results"
Row = dict[str, float]


def main() -> None:
    """Exits 1 when a tool is missing."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="length of each measurement (default 4)")
    parser.add_argument("--rounds", type=int, default=3, help="full-load rounds, taken in turn (default 3)")
    parser.add_argument("--quick", action="store_true", help="full load only")
    parser.add_argument("--other", action="append", default=[], metavar="NAME=PORT",
                        help="another gateway that already listens there and serves the model 'bench'")  # fmt: skip
    parser.add_argument("--keep", action="store_true", help="write the results to bench/results")
    arguments = parser.parse_args()
    try:
        programs.build()
        report = run(arguments)
    except programs.MissingTool as error:
        sys.exit(str(error))
    show(report)
    if arguments.keep:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{time.strftime('%Y-%m-%d-%H%M')}.json"
        path.write_text(json.dumps(report, indent=2) + "\n")
        print(f"kept in {path.relative_to(Path.cwd())}")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    busy = machine.other_load()
    if busy > 0.15:
        print(f"warning: {busy:.0%} of the machine is in use by others: the figures will be noisy", file=sys.stderr)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(programs.mock())
        direct = Running("direct", upstream, [], "none", 0.0)
        servers = [
            direct,
            stack.enter_context(programs.nginx(folder, upstream)),
            stack.enter_context(programs.turnpike(folder, upstream)),
            stack.enter_context(programs.turnpike(folder, upstream, governed=True)),
        ]
        servers += [_other(text) for text in arguments.other]
        rows = {server.name: Row(start_s=server.started_in_s) for server in servers}
        full_load(servers, rows, folder, arguments)
        if not arguments.quick:
            finer(servers, rows, folder, arguments.seconds)
        for server in servers:
            if server.pids:
                rows[server.name]["rss_mib"] = machine.rss_mib(server.pids)
    return {"machine": machine.describe(), "busy": round(busy, 3), "seconds": arguments.seconds, "rows": rows}


def _other(text: str) -> Running:
    name, _, port = text.partition("=")
    return Running(name, int(port), [], "bench", 0.0)


def full_load(servers: list[Running], rows: dict[str, Row], folder: Path, arguments: argparse.Namespace) -> None:
    """In turn, round after round, so that a moment's noise hits nobody alone; the median counts."""
    found: dict[str, list[measure.Load]] = {server.name: [] for server in servers}
    for _ in range(arguments.rounds):
        for server in servers:
            found[server.name].append(measure.full(server, folder, arguments.seconds))
    for name, loads in found.items():
        rows[name].update(
            req_s=median(load.per_s for load in loads),
            cpu_us=median(load.cpu_us for load in loads),
            failed=sum(load.failed for load in loads),
        )


def finer(servers: list[Running], rows: dict[str, Row], folder: Path, seconds: float) -> None:
    for server in servers:
        row = rows[server.name]
        half = measure.at_rate(server, row["req_s"] / 2, seconds)
        row.update(half_p50_ms=half.p50_ms, half_p99_ms=half.p99_ms)
        calm = measure.at_rate(server, 100, seconds)
        row.update(calm_p50_ms=calm.p50_ms, calm_p99_ms=calm.p99_ms)
        streams = measure.full(server, folder, seconds, stream=True)
        row["chunks_s"] = streams.per_s * measure.EVENTS_A_STREAM
        row["failed"] += half.failed + calm.failed + streams.failed
        slow = measure.paced(server, 512, seconds)
        row.update(paced_p99_ms=slow.p99_ms, paced_core=slow.core)
        if server.name in ("turnpike", "governed"):
            translated = measure.full(server, folder, seconds, model="claude")
            row["translated_req_s"] = translated.per_s
            row["failed"] += translated.failed


COLUMNS = (
    ("req_s", "req/s", "{:,.0f}"), ("cpu_us", "CPU us", "{:.1f}"), ("half_p50_ms", "p50 ms*", "{:.2f}"),
    ("half_p99_ms", "p99 ms*", "{:.2f}"), ("calm_p50_ms", "p50 at 100/s", "{:.3f}"),
    ("calm_p99_ms", "p99 at 100/s", "{:.3f}"), ("chunks_s", "chunks/s", "{:,.0f}"),
    ("paced_p99_ms", "paced p99 ms", "{:.2f}"), ("paced_core", "paced core", "{:.0%}"),
    ("translated_req_s", "translated", "{:,.0f}"), ("rss_mib", "RSS MiB", "{:.0f}"), ("start_s", "start s", "{:.2f}"),
    ("failed", "failed", "{:.0f}"),
)  # fmt: skip


def show(report: dict[str, object]) -> None:
    rows = cast("dict[str, Row]", report["rows"])
    facts = cast("dict[str, object]", report["machine"])
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    print()
    print("".join(f"{title:>14}" for title in ("", "x nginx", *(title for _, title, _ in COLUMNS))))
    limit = rows["nginx"]["req_s"]
    for name, row in rows.items():
        cells = [name, f"{row['req_s'] / limit:.2f}"]
        cells += [form.format(row[key]) if key in row else "-" for key, _, form in COLUMNS]
        print("".join(f"{cell:>14}" for cell in cells))
    print("\n* at half of its own full load. CPU us: the gateway's processor time for one answer under full load.")


if __name__ == "__main__":
    main()
