"""Money keeps its last digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.kit.money import cents_from_nanousd, nanousd_from_cents, picousd_per_unit, usd_per_units, usd_text


@given(st.integers(-(10**15), 10**15))
def test_cents_go_there_and_back(cents: int) -> None:
    assert cents_from_nanousd(nanousd_from_cents(cents)) == cents


@pytest.mark.parametrize(
    ("nanousd", "text"),
    [(0, "0.000000000"), (1, "0.000000001"), (-1_500_000_000, "-1.500000000"), (10**12, "1000.000000000")],
)  # fmt: skip
def test_dollars_are_written_with_every_digit(nanousd: int, text: str) -> None:
    assert usd_text(nanousd) == text
    assert int(Decimal(text) * 10**9) == nanousd


def test_a_dollar_for_a_million_tokens_is_a_million_picodollars() -> None:
    assert picousd_per_unit(Decimal(1), 1_000_000) == 1_000_000
    assert picousd_per_unit(Decimal("0.0000005"), 1_000_000) == 0, "half rounds to even"


@given(st.integers(0, 10**15), st.sampled_from([1, 1000, 1_000_000]))
def test_a_price_comes_back_from_its_unit(picousd: int, units: int) -> None:
    assert picousd_per_unit(usd_per_units(picousd, units), units) == picousd
