"""The repository's files as the architecture tests see them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that belongs to the project: what git knows or would take; all files outside a checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        skipped = {".venv", ".git", "node_modules", "__pycache__", "build", "dist"}
        return tuple(path for path in ROOT.rglob("*") if path.is_file() and not skipped & set(path.parts))
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def python_files(*folders: str) -> list[Path]:
    wanted = tuple(ROOT / folder for folder in folders)
    return [path for path in tracked() if path.suffix == ".py" and any(path.is_relative_to(each) for each in wanted)]


@cache
def text_of(path: Path) -> str:
    return path.read_text("utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), str(path))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


class Named(NamedTuple):
    """A function and its name with the classes and functions around it: `Link.sweep`."""

    name: str
    node: Function


def functions(path: Path) -> Iterator[Named]:
    def inside(node: ast.AST, prefix: str) -> Iterator[Named]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}{child.name}"
                if not isinstance(child, ast.ClassDef):
                    yield Named(name, child)
                yield from inside(child, f"{name}.")
            else:
                yield from inside(child, prefix)

    return inside(tree_of(path), "")


def walk_own(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
