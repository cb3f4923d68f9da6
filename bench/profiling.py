"""Where the time of a governed call goes: a profile of the relay under full load.

    python -m bench.profiling [--seconds N] [--keep]

Prints microseconds a call by function, its own and with all it calls; `--keep` writes bench/results/profile.json. The
profiler makes calls of Python functions dearer than they are: the shares are worth more than the sums.
"""

import argparse
import json
import os
import pstats
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import machine, measure, programs

_RESULT = Path(__file__).parent / "results" / "profile.json"
_HOOK = """
import sys
if "turnpike.relay" in sys.orig_argv:
    import atexit, cProfile, os
    profile = cProfile.Profile()
    profile.enable()
    path = f"{os.environ['BENCH_PROFILE']}/{os.getpid()}.prof"
    atexit.register(lambda: (profile.disable(), profile.dump_stats(path)))
"""
_ONCE_A_CALL = "open_attempt"
_SHOWN = 60


def profiled(seconds: float) -> pstats.Stats:
    """Of the relay that served the load."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "sitecustomize.py").write_text(_HOOK)
        os.environ.update(PYTHONPATH=text, BENCH_PROFILE=text)
        with programs.mock() as upstream, programs.turnpike(folder, upstream, governed=True) as server:
            measure.full(server, folder, seconds)
            (relay,) = server.pids
        return pstats.Stats(str(folder / f"{relay}.prof"))


def rows(stats: pstats.Stats) -> tuple[int, list[dict[str, object]]]:
    """Calls served, and by function: times a call, microseconds a call of its own and in all. The dearest first."""
    found: dict[tuple[str, int, str], Any] = stats.stats  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - not in its stubs
    calls = sum(facts[1] for (_, _, name), facts in found.items() if name == _ONCE_A_CALL)
    table: list[dict[str, object]] = []
    for (file, _, name), (_, times, own_s, all_s, _) in sorted(found.items(), key=lambda each: -each[1][2]):
        place = file.rpartition("/src/")[2] if "/src/" in file else Path(file).name
        table.append(
            {
                "function": f"{place}:{name}" if place != "~" else name,
                "times": round(times / calls, 2),
                "own_us": round(own_s / calls * 1e6, 2),
                "all_us": round(all_s / calls * 1e6, 2),
            }
        )
    return calls, table[:_SHOWN]


def main() -> None:
    """Exits 1 when a tool is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.profiling", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="length of the load (default 4)")
    parser.add_argument("--keep", action="store_true", help="write the results to bench/results")
    arguments = parser.parse_args()
    busy = machine.other_load()
    try:
        programs.build()
        calls, table = rows(profiled(arguments.seconds))
    except programs.MissingTool as error:
        sys.exit(str(error))
    print(f"{calls} calls\n{'own us':>8}{'all us':>8}{'times':>7}")
    for row in table:
        print(f"{row['own_us']:8}{row['all_us']:8}{row['times']:7}  {row['function']}")
    if arguments.keep:
        report = {"machine": machine.describe(), "busy": round(busy, 3), "calls": calls, "rows": table}
        _RESULT.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
