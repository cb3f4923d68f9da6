"""Small pure parts of the relay: wildcards, turns, what is hidden of a provider's words, times to wait."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.kit.patterns import matches
from turnpike.relay.answer import AnswerHead
from turnpike.relay.connect import _matches, origin_of
from turnpike.relay.endpoints import Kind, route_of
from turnpike.relay.redact import redact
from turnpike.relay.routing.strategies import weighted_cycle

SMALL = st.text(alphabet="ab*", max_size=8)


@given(pattern=SMALL, name=st.text(alphabet="ab", max_size=10))
def test_a_wildcard_stands_for_any_run_of_characters(pattern: str, name: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name, re.DOTALL) is not None
    assert matches(pattern, name) is expected


def test_a_wildcard_is_not_slow_on_a_name_that_was_made_to_be() -> None:
    assert not matches("*a" * 50 + "b", "a" * 100_000)


@given(weights=st.lists(st.integers(1, 300), min_size=1, max_size=6))
def test_turns_are_dealt_by_weight(weights: list[int]) -> None:
    targets = [(object(), weight) for weight in weights]
    turns = weighted_cycle(targets)  # pyright: ignore[reportArgumentType]
    assert {id(turn) for turn in turns} == {id(target) for target, _ in targets}
    assert len(turns) <= 64 + len(weights)
    total = sum(weights)
    for target, weight in targets:
        share = sum(turn is target for turn in turns) / len(turns)
        assert abs(share - weight / total) < 0.1


@pytest.mark.parametrize(
    "text", ["sk-abcdefghijkl", "Bearer abcdefghijkl", "AIzaSyA-1234567890abcdefghij", "abcd****wxyz", "hf_abcdefghij"]
)
def test_what_looks_like_a_credential_is_not_repeated(text: str) -> None:
    shown = redact(f"Incorrect key: {text}. See the docs.", None)
    assert text not in shown
    assert shown.startswith("Incorrect key: ")
    assert shown.endswith("See the docs.")


def test_the_secret_that_was_sent_is_not_repeated_whatever_it_looks_like() -> None:
    assert "hunter22" not in redact("The password 'hunter22' is wrong.", "hunter22")


@pytest.mark.parametrize(
    "text", ["The model is overloaded.", "max_tokens must be at most 4096", "Invalid 'messages[0].content'"]
)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert redact(text, "sk-some-secret-key") == text


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([(b"retry-after", b"7")], 7.0),
        ([(b"retry-after-ms", b"1500")], 1.5),
        ([(b"retry-after", b"7"), (b"retry-after-ms", b"250")], 0.25),
        ([(b"retry-after", b"-7")], None),
        ([(b"retry-after", b"soon")], None),
        ([(b"retry-after", b"9" * 400)], 999_999_999.0),
        ([(b"date", b"Sat, 21 Nov 2026 10:00:00 GMT"), (b"retry-after", b"Sat, 21 Nov 2026 10:02:05 GMT")], 125.0),
        ([(b"date", b"Sat, 21 Nov 2026 10:00:00 GMT"), (b"retry-after", b"Saturday, 21-Nov-26 10:00:09 GMT")], 9.0),
        ([(b"date", b"Sat, 21 Nov 2026 10:00:00 GMT"), (b"retry-after", b"Sat Nov 21 10:00:08 2026")], 8.0),
        ([(b"date", b"Sat, 21 Nov 2026 10:00:00 GMT"), (b"retry-after", b"Sat, 21 Nov 2026 09:00:00 GMT")], 0.0),
        ([(b"retry-after", b"Sat, 21 Nov 2020 09:00:00 GMT")], 0.0),
        ([(b"retry-after", b"Sat, 99 Nov 2026 09:00:00 GMT")], None),
        ([], None),
    ],
)
def test_retry_after_is_read(headers: list[tuple[bytes, bytes]], seconds: float | None) -> None:
    assert AnswerHead(429, pairs=headers).retry_after_s() == seconds


@pytest.mark.parametrize(
    ("host", "rule", "expected"),
    [
        ("example.com", "example.com", True),
        ("a.example.com", "example.com", True),
        ("a.example.com", ".example.com", True),
        ("badexample.com", "example.com", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("example.com", "10.0.0.0/8", False),
    ],
)
def test_exceptions_from_the_proxy(host: str, rule: str, expected: bool) -> None:
    assert _matches(host, rule) is expected


@pytest.mark.parametrize("url", ["ftp://x/", "x", "http://", "https:///v1", "//x/v1", ""])
def test_what_is_no_address_of_a_provider(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        origin_of(url, (), None)


def test_default_ports_make_the_same_origin() -> None:
    assert origin_of("https://x/v1", (), None) == origin_of("https://x:443/other", (), None)
    assert origin_of("http://x/v1", (), None) != origin_of("https://x/v1", (), None)


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        (b"POST", b"/v1/chat/completions", Kind.CALL),
        (b"GET", b"/v1/models", Kind.MODELS),
        (b"GET", b"/v1/models/org/name", Kind.MODELS),
        (b"GET", b"/health", Kind.HEALTH),
        (b"POST", b"/health", Kind.WRONG_METHOD),
        (b"GET", b"/v1beta/models", Kind.MODELS),
        (b"GET", b"/v1beta/models/org/name", Kind.MODELS),
        (b"POST", b"/v1beta/models/org/name:generateContent", Kind.CALL),
        (b"POST", b"/v1/models/name:streamGenerateContent", Kind.CALL),
        (b"PUT", b"/v1beta/models/name:countTokens", Kind.WRONG_METHOD),
        (b"POST", b"/v1beta/models/name:dream", Kind.PASSAGE),
        (b"GET", b"/v1/else", Kind.PASSAGE),
        (b"GET", b"/v1/chat/completions", Kind.PASSAGE),
        (b"PUT", b"/v1/chat/completions", Kind.WRONG_METHOD),
        (b"DELETE", b"/v1/models/org/name", Kind.PASSAGE),
        (b"GET", b"/v1", Kind.UNKNOWN),
        (b"GET", b"/v1beta/files", Kind.PASSAGE),
        (b"GET", b"/v1x", Kind.FORWARD),
        (b"GET", b"/api/v1/keys", Kind.FORWARD),
        (b"GET", b"/", Kind.FORWARD),
    ],
)
def test_routes(method: bytes, path: bytes, kind: Kind) -> None:
    assert route_of(method, path).kind is kind
