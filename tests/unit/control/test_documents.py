"""docs/ says what the code does."""

import re

import pytest

from tests.support.documents import DOCS, GENERATED, WHEN, error_kinds, renewed
from turnpike.settings import Settings


@pytest.mark.parametrize("name", list(GENERATED))
def test_generated_tables_are_fresh(name: str) -> None:
    text = (DOCS / name).read_text()
    assert renewed(text, GENERATED[name]()) == text, "run: python -m tests.support.documents"


def test_every_setting_is_documented_once() -> None:
    text = (DOCS / "settings.md").read_text()
    for name, field in Settings.model_fields.items():
        assert text.count(f"| `TURNPIKE_{name.upper()}` |") == 1, name
        assert field.description, name


def test_every_code_is_documented_and_none_that_is_not() -> None:
    assert {kind.code for kind in error_kinds()} == set(WHEN)
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", (DOCS / "errors.md").read_text(), re.MULTILINE))
    assert documented == set(WHEN)


def test_every_setting_that_a_document_names_is_one() -> None:
    known = {f"TURNPIKE_{name.upper()}" for name in Settings.model_fields} | {"TURNPIKE_KEY"}
    for path in ("api.md", "errors.md", "security.md", "settings.md"):
        assert set(re.findall(r"TURNPIKE_[A-Z_]+", (DOCS / path).read_text())) <= known, path


def test_the_api_document_names_no_path_that_is_not_there() -> None:
    text = (DOCS / "api.md").read_text()
    first = {path.split("/")[3] for path in re.findall(r"/api/v1/[a-z]+", text)}
    prefixes = {
        "settings",
        "flags",
        "auth",
        "keys",
        "users",
        "departments",
        "roles",
        "ai",
        "admin",
        "health",
        "openapi",
        "docs",
        "events",
        "webhooks",
        "alerts",
    }
    assert first <= prefixes
