"""Showing that there is a secret, without showing it."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.kit.crypto import guessable, mask, random_text, scrub


@pytest.mark.parametrize(
    ("secret", "shown"), [("sk-0123456789abcd", "sk-…abcd"), ("short", "…"), ("", "…"), ("fifteen-letters", "…")]
)
def test_a_mask_shows_both_ends_of_a_long_secret_only(secret: str, shown: str) -> None:
    assert mask(secret) == shown


@given(st.text(min_size=1, max_size=200))
def test_a_mask_never_holds_more_than_seven_characters_of_it(secret: str) -> None:
    assert len(mask(secret)) <= 8


def test_scrubbing_leaves_nothing_of_a_secret() -> None:
    text = scrub("key sk-0123456789abcd is wrong: sk-0123456789abcd", ["sk-0123456789abcd", ""])
    assert text == "key sk-…abcd is wrong: sk-…abcd"


def test_random_text_holds_the_bits_that_were_asked_for() -> None:
    assert len(random_text(256)) == 43
    assert len({random_text() for _ in range(100)}) == 100


@pytest.mark.parametrize("make", [lambda: secrets.token_urlsafe(32), lambda: secrets.token_hex(32)])
def test_random_secrets_are_taken(make) -> None:  # pyright: ignore[reportMissingParameterType]
    assert [guessable(make()) for _ in range(500)] == [None] * 500


@pytest.mark.parametrize(
    "secret",
    ["", "secret", "a" * 64, "changeme" * 8, "0123456789" * 4, "abcdefghijklmnopqrstuvwxyz012345"],
)
def test_what_people_type_is_guessable(secret: str) -> None:
    assert guessable(secret) is not None
