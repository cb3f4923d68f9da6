"""What holds for every text: no match is left, what is taken out comes back, and cutting a text changes nothing."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.guards.test_detectors import TRUE
from turnpike.errors import InvalidRequest
from turnpike.wire.guards.engine import MATCH_BYTES
from turnpike.wire.guards.filter import Blocked, Filter, Finds, whole
from turnpike.wire.guards.jsontext import JsonFilter
from turnpike.wire.guards.placeholders import Restorer, Vault
from turnpike.wire.guards.rules import Rules
from turnpike.wire.guards.spec import GuardSpec

HELD_AT_MOST = 256
"""Bytes of a stream."""
EXAMPLES = [text for texts in TRUE.values() for text in texts]
PIECES = st.one_of(
    st.sampled_from(EXAMPLES),
    st.text(max_size=40),
    st.text(alphabet="0123456789 -.@ab:/[]_", max_size=60),
    st.sampled_from([" ", ", ", "\n", "é", "😀", "[EMAIL_1]", "x" * 300]),
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)
APART = st.lists(st.one_of(st.sampled_from(EXAMPLES), st.text(alphabet="abc é😀,;()\n", max_size=40)), max_size=8).map(
    " | ".join
)
"""Finds that do not overlap: of two that do, what the second leaves of itself may look like a third."""
CUTS = st.lists(st.integers(1, 300), max_size=60)


def rules(action: str, **facts: object) -> Rules:
    guard = GuardSpec("g", str(facts.pop("kind", "pii")), action, "both", **facts)  # pyright: ignore[reportArgumentType]
    return Rules([("p", "policy", guard)], "prompt")


MASK, RESTORE, FLAG, BLOCK = rules("mask"), rules("restore"), rules("flag"), rules("block")


def pieces_of(text: str, cuts: Iterable[int]) -> list[str]:
    pieces: list[str] = []
    place = 0
    for size in cuts:
        pieces.append(text[place : place + size])
        place += size
    return [*pieces, text[place:]]


def in_pieces(by: Rules, text: str, cuts: Iterable[int]) -> tuple[str, Finds, str | None]:
    finds = Finds()
    made = Filter(by, finds, Vault())
    out: list[str] = []
    try:
        for piece in pieces_of(text, cuts):
            out.append(made.feed(piece))  # noqa: PERF401 - what went on before a block counts
        out.append(made.feed("", final=True))
    except Blocked as error:
        return "".join(out) + error.before, finds, error.kind
    return "".join(out), finds, None


@given(TEXTS, CUTS)
@settings(max_examples=300, deadline=None)
def test_cutting_a_text_anywhere_changes_nothing(text: str, cuts: list[int]) -> None:
    for by in (MASK, FLAG, BLOCK):
        assert in_pieces(by, text, cuts) == in_pieces(by, text, ())


LONG = st.lists(st.one_of(PIECES, st.sampled_from(["a" * 500, "é" * 400, "7" * 700])), max_size=8).map("".join)


@given(LONG, CUTS)
@settings(max_examples=300, deadline=None)
def test_no_more_than_256_bytes_are_held_back(text: str, cuts: list[int]) -> None:
    made = Filter(FLAG, Finds(), Vault())
    fed = gone = 0
    for piece in pieces_of(text, cuts):
        fed += len(piece.encode())
        gone += len(made.feed(piece).encode())
        assert fed - gone <= HELD_AT_MOST
    gone += len(made.feed("", final=True).encode())
    assert gone == fed


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_what_is_taken_out_comes_back(text: str) -> None:
    vault = Vault()
    vault.reserve(text)
    assert vault.restore(whole(RESTORE, text, Finds(), vault)) == text


@given(APART)
@settings(max_examples=300, deadline=None)
def test_masking_leaves_no_match(text: str) -> None:
    again = Finds()
    masked = whole(MASK, text, Finds(), Vault())
    whole(FLAG, masked, again, Vault())
    assert not again, masked


@given(
    st.lists(st.sampled_from(["[EMAIL_1]", "[EMAIL_", "[", "text", "[CARD_2]", "1]"]), max_size=12).map("".join), CUTS
)
@settings(deadline=None)
def test_placeholders_come_back_across_cuts(text: str, cuts: list[int]) -> None:
    vault = Vault()
    vault.values = {"[EMAIL_1]": "bob@example.com"}
    restorer = Restorer(vault)
    out = "".join(restorer.feed(piece) for piece in pieces_of(text, cuts)) + restorer.feed("", final=True)
    assert out == vault.restore(text)


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(EXAMPLES), st.text(max_size=30)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


@given(VALUES, CUTS, st.booleans())
@settings(max_examples=200, deadline=None)
def test_json_stays_json_wherever_it_is_cut(value: object, cuts: list[int], ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    made = JsonFilter(MASK, Finds(), Vault())
    out = "".join(made.feed(piece) for piece in pieces_of(text, cuts)) + made.feed("", final=True)
    assert out == JsonFilter(MASK, Finds(), Vault()).feed(text, final=True)
    json.loads(out)


def test_a_long_secret_goes_whole() -> None:
    token = "sk-proj-" + "aB3_" * 300
    assert whole(MASK, f"key {token} end", Finds(), Vault()) == "key [CREDENTIAL] end"
    assert in_pieces(MASK, f"key {token} end", [7] * 200)[0] == "key [CREDENTIAL] end"


def test_what_a_guard_allows_is_left_alone() -> None:
    guards = (
        GuardSpec("own", "patterns", "allow", patterns=(r"[a-z.]+@example\.com",)),
        GuardSpec("pii", "pii", "mask", detect=("email",)),
    )
    by = Rules([("p", "policy", guard) for guard in guards], "prompt")
    assert whole(by, "bob@example.com, eve@evil.org", Finds(), Vault()) == "bob@example.com, [EMAIL]"


def test_terms_are_whole_words_in_any_case() -> None:
    by = rules("mask", kind="terms", terms=("project bluebird", "C++"))
    text = "Project  BLUEBIRD, projects bluebirds, c++."
    assert whole(by, text, Finds(), Vault()) == "[TERM], projects bluebirds, [TERM]."


def test_a_pattern_without_bounds_is_cut_and_invariant() -> None:
    by = rules("mask", kind="patterns", patterns=("secret.*",))
    text = "a secret " + "x" * 1000
    assert in_pieces(by, text, [13] * 90) == in_pieces(by, text, ())
    assert in_pieces(by, text, ())[0].startswith("a [PATTERN]")
    assert len(in_pieces(by, text, ())[0]) < len(text) - MATCH_BYTES + 20


def test_a_pattern_that_matches_nothing_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="nothing"):
        rules("mask", kind="patterns", patterns=("x*",))
