"""No file, function, list of parameters or tangle of branches grows beyond what can be read.

The house looks again at 300 lines of a file, 60 of a function, complexity 10 and 8 parameters; beyond the limits below
a piece of code has to be named here with its reason.
"""

import ast

import pytest

from tests.architecture.sources import Function, functions, python_files, shown, text_of, walk_own

FILE_LINES = 500
FUNCTION_LINES = 100
COMPLEXITY = 15
PARAMETERS = 12

LONG_FILES: dict[str, str] = {
    "src/turnpike/settings.py": "a flat list, an entry a setting: docs/settings.md is made of it, in its order",
}
"""Path to reason."""
LONG_FUNCTIONS: dict[str, str] = {}
"""`path:name` to reason; likewise below."""
COMPLEX_FUNCTIONS: dict[str, str] = {
    "src/turnpike/relay/head.py:RequestHead._read_headers": "a flat match over the names of headers, on the fast path",
}
MANY_PARAMETERS: dict[str, str] = {}

EVERYTHING = python_files("src", "tests", "bench")
_BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)


def complexity(function: Function) -> int:
    """Cyclomatic complexity by statements, as McCabe's plug-in and Ruff count it."""
    return 1 + sum(isinstance(node, _BRANCHES) for node in walk_own(function))


def parameters(function: Function) -> int:
    arguments = function.args
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return sum(name not in {"self", "cls"} for name in names)


def lines(function: Function) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def over(measure, limit: int) -> dict[str, int]:
    return {
        f"{shown(path)}:{name}": measure(node)
        for path in EVERYTHING
        for name, node in functions(path)
        if measure(node) > limit
    }


def test_files_can_be_read_in_one_sitting() -> None:
    found = {shown(path): len(text_of(path).splitlines()) for path in EVERYTHING}
    assert {name for name, count in found.items() if count > FILE_LINES} == set(LONG_FILES), found


@pytest.mark.parametrize(
    ("measure", "limit", "named"),
    [
        (lines, FUNCTION_LINES, LONG_FUNCTIONS),
        (complexity, COMPLEXITY, COMPLEX_FUNCTIONS),
        (parameters, PARAMETERS, MANY_PARAMETERS),
    ],
    ids=["lines", "complexity", "parameters"],
)
def test_functions_stay_within_their_limits(measure, limit: int, named: dict[str, str]) -> None:
    found = over(measure, limit)
    assert set(found) - set(named) == set(), found
    assert set(named) - set(found) == set(), "named without need"
    assert all(named.values()), "each with its reason"


def test_the_measures_measure() -> None:
    code = "def f(a, /, b, *, c=1):\n if a:\n  for x in b:\n   def g():\n    while c: pass\n"
    function = ast.parse(code).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert (complexity(function), parameters(function), lines(function)) == (3, 3, 5)
