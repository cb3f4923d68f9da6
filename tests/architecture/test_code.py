"""Habits of the code that no linter here knows: each room says what it is for, and hides nothing."""

import ast
import tokenize
from io import StringIO
from pathlib import Path

from tests.architecture.sources import functions, python_files, shown, text_of, tree_of, walk_own

SOURCES = python_files("src")
HIDDEN_IMPORTS: dict[str, str] = {
    "src/turnpike/relay/gates/guarding.py:guards_of": "20 ms and 5 MiB of patterns, for relays that have a policy only",
    "src/turnpike/relay/core.py:Relay._serve_other": "WebSockets would cost every start of a relay 40 ms",
    "src/turnpike/contract/periods.py:zone_of": "time zones would cost every start of a relay 8 ms",
}
"""`path:function` of an import inside a function, and why it cannot stand at the top."""
READS_ENVIRONMENT = {"src/turnpike/settings.py"}


def test_every_module_says_what_it_is_for() -> None:
    assert [shown(path) for path in SOURCES if not ast.get_docstring(tree_of(path))] == []


def test_every_package_has_an_init() -> None:
    folders = {path.parent for path in SOURCES}
    assert [shown(folder) for folder in folders if not (folder / "__init__.py").exists()] == [
        shown(folder) for folder in folders if folder.name in {"src", "versions", "migrations"}
    ]


def test_no_import_hides_in_a_function() -> None:
    found = {
        f"{shown(path)}:{name}"
        for path in python_files("src", "bench")
        for name, node in functions(path)
        if any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in walk_own(node))
    }
    assert found == set(HIDDEN_IMPORTS)


def test_nothing_is_printed() -> None:
    found = [
        f"{shown(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert found == []


def test_only_the_settings_read_the_environment() -> None:
    names = {"environ", "environb", "getenv"}
    found: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            attribute = isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) == "os"
            imported = isinstance(node, ast.ImportFrom) and node.module == "os"
            if attribute or (imported and any(each.name in names for each in node.names)):
                found.add(shown(path))
    assert found <= READS_ENVIRONMENT, found


def test_who_catches_everything_says_why_or_raises_it_again() -> None:
    found = [
        f"{shown(path)}:{node.lineno}"
        for path in python_files("src", "bench")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and _is_blanket(node) and not _is_excused(path, node)
    ]
    assert found == []


def _is_blanket(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(each) in {"Exception", "BaseException"} for each in caught)


def _is_excused(path: Path, handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and (last.exc is None or last.cause is not None):
        return True
    first = handler.body[0].lineno
    around = range(handler.lineno - 1, first + 1)
    return any(line in around and _says_something(words) for line, words in _comments(path).items())


def _says_something(comment: str) -> bool:
    """More than a linter's mark."""
    return len(comment.split("BLE001", 1)[-1].strip(" #-:")) >= 10


def _comments(path: Path) -> dict[int, str]:
    tokens = tokenize.generate_tokens(StringIO(text_of(path)).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def test_nothing_is_left_to_be_done() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
    found = [
        f"{shown(path)}:{line}"
        for path in python_files("src", "bench", "tests")
        for line, comment in _comments(path).items()
        if any(mark in comment for mark in marks)
    ]
    assert found == []
