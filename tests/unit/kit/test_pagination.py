"""Pages and orders, as callers ask for them."""

import pytest

from turnpike.errors import InvalidRequest
from turnpike.kit.pagination import Order, Page, PageInfo, escape_like, parse_sort


@pytest.mark.parametrize(("total", "pages"), [(0, 0), (1, 1), (10, 1), (11, 2)])
def test_pages_are_counted(total: int, pages: int) -> None:
    assert PageInfo.of(Page(1, 10), total).pages == pages


def test_the_offset_begins_at_nought() -> None:
    assert [Page(page, 10).offset for page in (1, 2, 3)] == [0, 10, 20]


def test_a_minus_means_descending() -> None:
    assert parse_sort("-a, b", ["a", "b"], "a") == (Order("a", True), Order("b", False))
    assert parse_sort(None, ["a"], "-a") == (Order("a", True),)


@pytest.mark.parametrize("text", ["c", "a,,b", "--a", "a;drop", " "])
def test_an_unknown_field_names_those_there_are(text: str) -> None:
    with pytest.raises(InvalidRequest, match="a, b"):
        parse_sort(text, ["b", "a"], "a")


def test_wildcards_mean_themselves() -> None:
    assert escape_like(r"50%_\x") == r"50\%\_\\x"
