from datetime import UTC, datetime

import pytest

from turnpike.cli.values import moment, past, words
from turnpike.errors import InvalidRequest

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, []),
        (["a"], ["a"]),
        (["a,b", "c"], ["a", "b", "c"]),
        (["a, b,,", "a"], ["a", "b"]),
    ],
)
def test_a_list_may_be_repeated_or_separated_by_commas(given: list[str] | None, expected: list[str]):
    assert words(given) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30d", "2026-03-31T12:00:00.000Z"),
        ("12h", "2026-03-02T00:00:00.000Z"),
        ("45m", "2026-03-01T12:45:00.000Z"),
        ("2W", "2026-03-15T12:00:00.000Z"),
        ("2030-01-31T08:00:00+02:00", "2030-01-31T06:00:00.000Z"),
        ("never", None),
    ],
)
def test_an_expiry_is_a_span_a_time_or_never(text: str, expected: str | None):
    assert moment(text, NOW) == expected


def test_a_date_is_over_when_its_day_is():
    end = moment("2030-01-31", NOW)
    assert end is not None
    assert datetime.fromisoformat(end).astimezone() == datetime(2030, 1, 31, 23, 59, 59).astimezone()


@pytest.mark.parametrize("text", ["soon", "30", "d30", "2030-13-01", "", "99999999999d"])
def test_what_is_no_time_is_refused_with_what_would_be_right(text: str):
    with pytest.raises(InvalidRequest, match=r"30d, 12h, a date such as 2030-01-31, or never"):
        moment(text, NOW)


def test_a_time_that_is_over_is_refused():
    with pytest.raises(InvalidRequest, match="is over already"):
        moment("2020-01-01", NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("24h", "2026-02-28T12:00:00.000Z"), ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00.000Z")],
)
def test_a_past_time_is_a_span_ago_or_a_time(text: str, expected: str):
    assert past(text, "--since", NOW) == expected


def test_a_past_date_is_its_beginning():
    assert datetime.fromisoformat(past("2026-01-31", "--since", NOW)) == datetime(2026, 1, 31).astimezone()


def test_a_past_time_that_is_none_names_its_option():
    with pytest.raises(InvalidRequest, match="--until 'x' is no time"):
        past("x", "--until", NOW)
