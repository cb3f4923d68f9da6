"""The real `turnpike serve`, and the real command, as processes of their own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from turnpike.wire.vendors import VENDORS

TURNPIKE = (sys.executable, "-m", "turnpike.cli")


def bare_environment(**more: str) -> dict[str, str]:
    """This environment without settings of Turnpike or vendors' keys: tests must not find a developer's."""
    keys = {name for vendor in VENDORS.values() for name in vendor.env_keys}
    keys |= {name for vendor in VENDORS.values() for each in vendor.parameters for name in each.env_keys}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TURNPIKE_") and name not in keys}
    return {**kept, "COLUMNS": "200", **more}


def turnpike(
    *arguments: str, folder: Path, stdin: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command on an installation."""
    return subprocess.run(
        [*TURNPIKE, *arguments, "--data-dir", str(folder)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder.parent,
        env=env or bare_environment(),
    )


def turnpike_json(*arguments: str, folder: Path, stdin: str = "") -> Any:
    """Its answer; the command must have done what was asked."""
    done = turnpike(*arguments, "--json", folder=folder, stdin=stdin)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


class Gateway:
    """A server that is ready once made. `facts` is what it says of itself."""

    def __init__(self, folder: Path, *arguments: str, port: int = 0, relays: int = 1, **env: str) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        places = ("--port", str(port), "--relays", str(relays), "--data-dir", str(folder))
        argv = [*TURNPIKE, "serve", "--json", *places, *arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=folder.parent,
                env=bare_environment(**env),
            )
        self.facts: dict[str, Any] = self._facts()

    def _facts(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        lines = []
        while line := self.process.stdout.readline():
            lines.append(line)
            if line == "}\n":
                return json.loads("".join(lines))
        raise AssertionError(f"it ended: {''.join(lines)}\n{self.log.read_text()}")

    @property
    def url(self) -> str:
        return self.facts["url"]

    def first_key(self) -> str:
        return Path(self.facts["first_key_file"]).read_text().strip()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def stop(self, timeout_s: float = 30.0) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()
        elif self.process.stdout is not None:
            self.process.stdout.close()


def wait_until(condition: Any, what: str, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.05)
