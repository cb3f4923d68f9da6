"""`make unit`: the whole suite in parallel, and the few that failed once more with the machine to themselves.

Real processes are killed, paused and timed here while others take every core beside them. What fails in that crowd and
passes alone is shown by name, with its first failure above: to be mended, but no reason to call the change broken. What
fails alone as well fails the run, and so do more than `AT_MOST` at once.
"""

import subprocess
import sys

import pytest

PARALLEL = ("-n", "auto", "--dist", "loadgroup", "--no-loadscope-reorder", "-rs")
AT_MOST = 3


class Failures:
    """A plugin: the node ids of what failed, in setup, call or teardown, each once."""

    def __init__(self) -> None:
        self.ids: dict[str, None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            path, _, name = report.location  # the report's own id ends in the worker's group
            head, bracket, parameters = name.partition("[")
            self.ids[f"{path}::{head.replace('.', '::')}{bracket}{parameters}"] = None


def main(arguments: list[str]) -> int:
    failures = Failures()
    code = pytest.main([*PARALLEL, *arguments], plugins=[failures])
    if code != pytest.ExitCode.TESTS_FAILED or not 1 <= len(failures.ids) <= AT_MOST:
        return int(code)
    print("\nFailed beside the others, and run once more alone:", *failures.ids, sep="\n  ", flush=True)  # noqa: T201 - a command of its own
    again = subprocess.run([sys.executable, "-m", "pytest", "-v", *failures.ids], check=False).returncode
    if not again:
        print("\nNot steady, and to be mended (passed alone):", *failures.ids, sep="\n  ", flush=True)  # noqa: T201 - a command of its own
    return again


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
