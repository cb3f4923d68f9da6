"""`make compiled`: a copy of the package whose fast path is machine code.

    python tools/compile.py FOLDER

mypyc compiles the modules that pyproject.toml names (tool.turnpike.compiled), after mypy has checked them; all others
stay Python. It is the same source: without the folder everything runs as before, only slower. To run what was
compiled, put the folder in front of PYTHONPATH, as `make run` does where there is one.
"""

import os
import shutil
import sys
import tomllib
from pathlib import Path

from mypyc.build import mypycify
from setuptools import setup

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "turnpike"


def main() -> None:
    """Exits 1, with the reason, when something cannot be compiled."""
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "src" / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    os.chdir(folder)  # mypy and setuptools go by it
    modules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["turnpike"]["compiled"]["modules"]
    options = ["--python-executable", sys.executable, "--cache-dir", "build/mypy", "--follow-imports=silent"]
    extensions = mypycify([*options, *modules], opt_level="2", debug_level="0")
    setup(name=PACKAGE, packages=[], ext_modules=extensions, script_args=["--quiet", "build_ext", "--inplace"])
    shutil.rmtree("build")


if __name__ == "__main__":
    main()
