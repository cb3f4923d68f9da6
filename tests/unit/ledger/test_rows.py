"""Records to rows and totals."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.journals import SERVED, abandoned, event_id, open_record, refused_event, usage_event
from turnpike.contract.events import Caller, Outcome, UsageEvent, UsageSource
from turnpike.control.db.models.ledger import MEDIA_COUNTS
from turnpike.control.domains.ledger.sums import SUMMED
from turnpike.control.drain.rows import (
    COLUMNS,
    LARGEST_COUNT,
    TOTAL_COLUMNS,
    TOTAL_KEYS,
    TOTAL_SUMS,
    interrupted_row,
    mended,
    row_of,
    totals_of,
)
from turnpike.wire.types.usage import MediaUsage, Usage


def _named(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(COLUMNS, row, strict=True))


def test_every_kind_of_token_has_its_own_column() -> None:
    usage = Usage(*range(1, 12))
    row = _named(row_of(usage_event(event_id(), usage=usage)))
    for position, name in enumerate(Usage.__struct_fields__[:-1], 1):
        assert row["billable_requests" if name == "requests" else name] == position


def test_media_are_kept_by_name_without_zeros_and_within_bounds() -> None:
    media = MediaUsage(images=2, image_class="1024x1024/h\0d", video_ms=2**62, characters=-1)
    row = _named(row_of(usage_event(event_id(), usage=Usage(media=media))))
    assert json.loads(row["media"]) == {
        "images": 2, "image_class": "1024x1024/h\ufffdd", "video_ms": LARGEST_COUNT, "characters": 0
    }  # fmt: skip
    assert _named(row_of(usage_event(event_id(), usage=Usage(media=MediaUsage()))))["media"] is None
    assert _named(row_of(usage_event(event_id())))["media"] is None


def test_every_count_of_media_is_summed() -> None:
    counted = [name for name in MediaUsage.__struct_fields__ if name not in ("image_class", "service_tier")]
    assert list(MEDIA_COUNTS) == counted
    media = MediaUsage(**{name: place for place, name in enumerate(counted, 1)})
    events = [usage_event(event_id(), usage=Usage(media=one)) for one in (media, None, media)]
    (total,) = totals_of(row_of(event) for event in events)
    for place, name in enumerate(counted, 1):
        assert total[TOTAL_COLUMNS.index(name)] == 2 * place


def test_totals_have_a_sum_for_everything_that_is_counted() -> None:
    assert (*TOTAL_KEYS, "key_name", *TOTAL_SUMS) == TOTAL_COLUMNS
    assert set(SUMMED) == set(TOTAL_SUMS)


def test_an_unpriced_abandoned_attempt_makes_the_cost_a_part() -> None:
    row = _named(row_of(usage_event(event_id(), abandoned=(abandoned(None),))))
    assert (row["cost_nanousd"], row["priced"]) == (1_500, False)


def test_a_refused_request_with_an_abandoned_attempt_is_not_taken_for_free() -> None:
    row = _named(row_of(refused_event(event_id(), abandoned=(abandoned(None),))))
    assert (row["cost_nanousd"], row["priced"]) == (None, False)


def test_an_interrupted_call_is_charged_its_last_reservation() -> None:
    attempts = [open_record(event_id(), attempt=n, reserved_nanousd=100 * n) for n in (1, 2)]
    assert _named(interrupted_row(attempts, charge=True))["cost_nanousd"] == 200
    assert _named(interrupted_row(attempts, charge=False))["cost_nanousd"] == 0


def test_an_interrupted_call_without_a_price_is_unpriced_unless_something_was_reserved() -> None:
    unpriced = replace(SERVED, price_source=None)
    nothing = open_record(event_id(), served=unpriced, reserved_nanousd=0)
    something = open_record(event_id(), served=unpriced, reserved_nanousd=5)
    assert _named(interrupted_row([nothing], charge=True))["cost_nanousd"] is None
    assert _named(interrupted_row([something], charge=True))["cost_nanousd"] == 5
    assert _named(interrupted_row([something], charge=False))["cost_nanousd"] is None


NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=3)
"""A key's name comes out of the database, which has no NUL in a text."""
EVENTS = st.builds(
    lambda **values: usage_event(event_id(), **values),
    started_at_ms=st.integers(-(2**62), 2**62),
    caller=st.builds(Caller, st.sampled_from(["a", "b"]), NAMES, st.just("u"), st.none() | st.just("d")),
    served=st.none() | st.just(SERVED),
    outcome=st.sampled_from(Outcome),
    usage=st.none() | st.builds(Usage, input_tokens=st.integers(-5, 2**62), output_tokens=st.integers(0, 10)),
    usage_source=st.sampled_from(UsageSource),
    cost_nanousd=st.none() | st.integers(0, 2**62),
    request_id=st.text(max_size=300),
    abandoned=st.just(()) | st.just((abandoned(None),)),
)


@given(events=st.lists(EVENTS, max_size=20))
def test_totals_are_the_sum_of_their_rows(events: list[UsageEvent]) -> None:
    rows = [row_of(event) for event in events]
    totals = totals_of(rows)
    keys = [total[: len(TOTAL_KEYS)] for total in totals]
    assert keys == sorted(set(keys))
    for name in ("input_tokens", "cost_nanousd", "billable_requests"):
        expected = sum(row[COLUMNS.index(name)] or 0 for row in rows)
        assert sum(total[TOTAL_COLUMNS.index(name)] for total in totals) == expected
    assert sum(total[TOTAL_COLUMNS.index("requests")] for total in totals) == len(rows)


@given(event=EVENTS)
def test_a_row_always_fits_its_columns(event: UsageEvent) -> None:
    row = row_of(event)
    assert mended(row) == tuple(
        int(value) if isinstance(value, int) and not isinstance(value, bool) else value for value in row
    )
    assert "\0" not in _named(row)["request_id"]
    assert 0 <= _named(row)["input_tokens"] <= LARGEST_COUNT
