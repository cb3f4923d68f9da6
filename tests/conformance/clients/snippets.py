"""Runs an example of the user documentation: the case's `model` is its text."""

import contextlib
import io
from typing import Any

from harness import Asked, run


def run_it(asked: Asked) -> dict[str, Any]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(asked.model, asked.name, "exec"), {"__name__": "example"})
    return {"text": printed.getvalue()}


run({"run": run_it})
