"""`make bench`: direct, nginx and Turnpike in one run, as one table, kept in bench/results.

`turnpike` checks keys, plans, prices and writes down; `governed` holds limits and budgets besides, over a route. Both
run what `make compiled` made; `interpreted` is the governed one without it.
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack, nullcontext
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
        limit = stack.enter_context(programs.nginx(folder, upstream))
        others = [nullcontext(_other(text)) for text in arguments.other]
        rows: dict[str, Row] = {}
        for start in (
            nullcontext(Running("direct", upstream, [], "none", 0.0)),
            nullcontext(limit),
            programs.turnpike(folder, upstream, compiled=True),
            programs.turnpike(folder, upstream, "governed", governed=True, compiled=True),
            programs.turnpike(folder, upstream, "interpreted", governed=True),
            *others,
        ):
            with start as server:  # one at a time: even at rest another gateway would take its share of the core
                row = rows[server.name] = full_load(server, limit, folder, arguments)
                if not arguments.quick:
                    finer(server, row, folder, arguments.seconds)
                if server.pids:
                    row["rss_mib"] = machine.rss_mib(server.pids)
    return {"machine": machine.describe(), "busy": round(busy, 3), "seconds": arguments.seconds, "rows": rows}


def _other(text: str) -> Running:
    name, _, port = text.partition("=")
    return Running(name, int(port), [], "bench", 0.0)


def full_load(server: Running, limit: Running, folder: Path, arguments: argparse.Namespace) -> Row:
    """In turn with nginx, round after round, so that a moment's noise hits neither alone; the medians count."""
    limits: list[float] = []
    loads: list[measure.Load] = []
    for _ in range(arguments.rounds):
        limits.append(measure.full(limit, folder, arguments.seconds).per_s)
        loads.append(measure.full(server, folder, arguments.seconds))
    req_s = median(load.per_s for load in loads)
    return Row(
        start_s=server.started_in_s,
        req_s=req_s,
        of_nginx=req_s / median(limits),
        cpu_us=median(load.cpu_us for load in loads),
        failed=sum(load.failed for load in loads),
    )


def finer(server: Running, row: Row, folder: Path, seconds: float) -> None:
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
    ("of_nginx", "x nginx", "{:.2f}"),
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
    print("".join(f"{title:>14}" for title in ("", *(title for _, title, _ in COLUMNS))))
    for name, row in rows.items():
        cells = [name, *(form.format(row[key]) if key in row else "-" for key, _, form in COLUMNS)]
        print("".join(f"{cell:>14}" for cell in cells))
    print("\n* at half of its own full load. CPU us: the gateway's processor time for one answer under full load.")


if __name__ == "__main__":
    main()
