"""Whether a ledger agrees with what callers had and with what the upstream saw."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from tests.support.gateway import RunningGateway
from tests.support.load import INPUT_TOKENS, Load

SUMMED = ("input_tokens", "output_tokens", "cost_nanousd")


def assert_each_call_once(rows: list[dict[str, Any]], upstream_ids: set[str]) -> None:
    """Every request id that the upstream saw is in exactly one row; no other is in two."""
    times = Counter(row["request_id"] for row in rows)
    assert {name: number for name, number in times.items() if number != 1} == {}
    assert upstream_ids - set(times) == set()
    assert len({row["event_id"] for row in rows}) == len(rows)


def assert_settled(rows: list[dict[str, Any]], load: Load) -> None:
    """Who had a whole answer is settled as answered, with what it used and what that cost."""
    by_id = {row["request_id"]: row for row in rows}
    for asked in load.whole():
        row = by_id.get(asked.request_id)
        assert row is not None, f"{asked} had a whole answer and has no row"
        found = (row["outcome"], row["status"], row["input_tokens"], row["output_tokens"], row["usage_source"])
        assert found == ("ok", 200, INPUT_TOKENS, asked.output_tokens, "reported"), row
        if row["attempts"] == 1:
            assert row["cost_nanousd"] == asked.cost_nanousd, row


def assert_totals_agree(gateway: RunningGateway, rows: Iterable[dict[str, Any]]) -> None:
    """The kept totals are the sums of the rows, model by model and key by key."""
    for dimension, field in (("model", None), ("key", "key_id")):
        sums: dict[str, Counter[str]] = defaultdict(Counter)
        for row in rows:
            group = row[field] if field else row["model_served"] or row["model_asked"]
            sums[group].update({name: row[name] or 0 for name in SUMMED})
            sums[group].update(requests=1, succeeded=row["outcome"] == "ok")
        kept = gateway.api("GET", "/ledger/summary", by=dimension, per_page=100)
        names = (*SUMMED, "requests", "succeeded")
        shown = {group[field or "model"]: {name: group[name] for name in names} for group in kept}
        assert shown == {group: {name: sums[group][name] for name in names} for group in sums}
