"""docs/ledger.md speaks of every field and every word that the API shows."""

from pathlib import Path
from typing import get_args

import pytest

from turnpike.contract.events import Outcome, UsageSource
from turnpike.control.domains.ledger.schemas import OUTCOMES, Dimension, OutcomeName, RowQuestion, RowView
from turnpike.control.domains.ledger.sums import DIMENSIONS

DOCS = (Path(__file__).parents[3] / "docs" / "ledger.md").read_text()


@pytest.mark.parametrize("name", list(RowView.model_fields))
def test_every_field_of_a_row_is_explained(name: str) -> None:
    assert any(f"`{name}`" in line for line in DOCS.splitlines() if line.startswith("|"))


@pytest.mark.parametrize("name", [field.alias or name for name, field in RowQuestion.model_fields.items()])
def test_every_filter_is_named(name: str) -> None:
    assert f"`{name}`" in DOCS


def test_every_outcome_is_explained_with_its_number() -> None:
    assert set(OUTCOMES) == set(get_args(OutcomeName))
    for outcome in Outcome:
        assert f"| `{outcome.name.lower()}` |" in DOCS
        assert f"{outcome.value} `{outcome.name.lower()}`" in DOCS
    for source in UsageSource:
        assert f"{source.value} `{source.name.lower()}`" in DOCS


def test_every_dimension_is_named() -> None:
    assert set(get_args(Dimension)) == set(DIMENSIONS)
    for name in DIMENSIONS:
        assert f"`{name}`" in DOCS
