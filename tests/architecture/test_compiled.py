"""What `make compiled` compiles may hold nothing that breaks once it is machine code (docs/adr/0013)."""

import ast
import tomllib
from pathlib import Path

from tests.architecture.sources import ROOT, shown, text_of, tree_of

MODULES = [
    ROOT / "src" / name
    for name in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["turnpike"]["compiled"]["modules"]
]


def classes() -> list[tuple[Path, ast.ClassDef]]:
    return [(path, node) for path in MODULES for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef)]


def test_nothing_compiled_is_referred_to_weakly() -> None:
    """Such references outlive their object, and the collector takes them for the object's own: it crashes."""
    assert classes()
    assert [shown(path) for path in MODULES if "__weakref__" in text_of(path)] == []


def test_no_compiled_class_has_keywords() -> None:
    assert [f"{shown(path)}:{node.name}" for path, node in classes() if node.keywords] == []
