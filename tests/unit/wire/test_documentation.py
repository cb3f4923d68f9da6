"""The documents' tables are the code's."""

import ast
import json
import re

import msgspec
import pytest

from tests.support.wire_tables import DOCS, TABLES, renewed
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.anthropic_messages.request_write import DEFAULT_MAX_TOKENS
from turnpike.wire.dialects.common.errors import MAX_MESSAGE_CHARS
from turnpike.wire.operations import ENDPOINTS
from turnpike.wire.profiles.quirks import ALL as ALL_QUIRKS
from turnpike.wire.profiles.reasoning import BUDGETS
from turnpike.wire.vendor import AuthSpec, ModelsFormat, OperationSpec


@pytest.mark.parametrize("name", ["dialects.md", "providers.md"])
def test_the_tables_are_fresh(name: str) -> None:
    text = (DOCS / name).read_text()
    assert renewed(text) == text, "run: python -m tests.support.wire_tables"


def test_every_table_is_shown_somewhere() -> None:
    shown = re.findall(
        r"<!-- table: (\w+) -->", (DOCS / "dialects.md").read_text() + (DOCS / "providers.md").read_text()
    )
    assert sorted(shown) == sorted(TABLES)


def test_every_dialect_and_its_path_is_named() -> None:
    text = (DOCS / "dialects.md").read_text()
    for endpoint in ENDPOINTS:
        if endpoint.method == "POST":
            operation = DIALECTS[endpoint.dialect].operation
            assert f"| `{endpoint.dialect}` | {operation} | `POST {endpoint.path}` |" in text


def test_the_numbers_that_are_told_are_those_in_force() -> None:
    text = " ".join((DOCS / "dialects.md").read_text().split())
    assert f"else {DEFAULT_MAX_TOKENS:,}" in text
    assert f"at most {MAX_MESSAGE_CHARS:,} characters" in text
    assert f"less than {BUDGETS['medium']:,} is `low`, less than {BUDGETS['high']:,} `medium`" in text


def test_the_example_of_a_configuration_names_what_there_is() -> None:
    (example,) = re.findall(r"-d '(\{.*?\})'\n```", (DOCS / "providers.md").read_text(), re.DOTALL)
    config = json.loads(example)["config"]
    assert set(config["quirks"]) <= ALL_QUIRKS
    for operation, specs in config["operations"].items():
        for spec in specs:
            assert DIALECTS[msgspec.convert(spec, OperationSpec).dialect].operation == operation
    assert msgspec.convert(config["auth"], AuthSpec).header == "api-key"
    assert config["models_format"] in list(ModelsFormat)


def test_the_example_of_a_vendor_can_be_run() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (DOCS / "providers.md").read_text(), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(ast.parse(example), "example", "exec"), names)
    assert getattr(names["EXAMPLE"], "name", None) == "example"
