"""/api/v1/ledger on both databases: who sees what, filters, pages, sums, exports."""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from tests.integration.ledger.conftest import DrainOnce
from tests.support.control import Api, api, make_key, make_user, running_control
from tests.support.journals import CALLER, SERVED, JournalWriter, abandoned, event_id, refused_event, usage_event
from turnpike.contract.events import Caller, Outcome, UsageSource
from turnpike.control.domains.ledger import export as exporting
from turnpike.control.services import ControlServices
from turnpike.settings import Settings
from turnpike.wire.types.usage import Usage

LEDGER = "/api/v1/ledger"
DAY = 86_400_000
NOON = 1_780_056_000_000
"""2026-05-29T12:00:00Z."""
OTHER = Caller("key-2", "=HYPERLINK(1)", "user-2", None)


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[ControlServices]:
    async with running_control(settings) as running:
        yield running


@pytest.fixture
async def operator(services: ControlServices) -> AsyncIterator[Api]:
    async with api(services) as client:
        yield client


@pytest.fixture
async def filled(journals: Path, drain_again: DrainOnce) -> list[bytes]:
    """Six calls of two people over three days."""
    claude = replace(SERVED, provider="anthropic", provider_id="provider-2", deployment_id="d-2", model="claude-b")
    events = [
        usage_event(event_id(), started_at_ms=NOON - 2 * DAY, request_id="first"),
        usage_event(event_id(), started_at_ms=NOON - DAY, served=claude, cost_nanousd=2_000_000_000, stream=True),
        usage_event(event_id(), started_at_ms=NOON - 1000, caller=OTHER, cost_nanousd=None),
        refused_event(event_id(), started_at_ms=NOON, caller=OTHER, model_asked="gpt-a"),
        usage_event(
            event_id(), started_at_ms=NOON + 1000, caller=OTHER, status=502, outcome=Outcome.CUT,
            error_code="UPSTREAM_CUT", usage=Usage(input_tokens=3), usage_source=UsageSource.ESTIMATED, cost_nanousd=30,
        ),
        usage_event(event_id(), started_at_ms=NOON + 2000, abandoned=(abandoned(),), attempts=2, cost_nanousd=2_200),
    ]  # fmt: skip
    with JournalWriter(journals) as relay:
        for event in events:
            relay.append(event)
    await drain_again()
    return [event.event_id for event in events]


async def ids(client: Api, **params: Any) -> list[bytes]:
    response = await client.get(LEDGER, params=params)
    assert response.is_success, response.text
    return [UUID(row["event_id"]).bytes for row in response.json()["data"]]


async def test_the_newest_row_comes_first_with_every_field(operator: Api, filled: list[bytes]) -> None:
    body = (await operator.get(LEDGER)).json()
    assert [UUID(row["event_id"]).bytes for row in body["data"]] == filled[::-1]
    row = body["data"][0]
    assert row["started_at"] == "2026-05-29T12:00:02.000Z"
    assert (row["cost_nanousd"], row["cost_usd"], row["cost_cents"]) == (2_200, "0.000002200", 0.00022)
    assert (row["outcome"], row["usage_source"], row["priced"], row["estimated"]) == ("ok", "reported", True, True)
    assert row["abandoned"][0]["status"] == 503
    assert (row["model_served"], row["provider"], row["dialect_out"]) == ("gpt-a", "openai", "openai_chat")
    assert body["meta"]["pagination"] == {"page": 1, "per_page": 50, "total": 6, "pages": 1}


async def test_totals_are_of_all_matching_rows_and_not_of_the_page(operator: Api, filled: list[bytes]) -> None:
    totals = (await operator.get(LEDGER, params={"per_page": 1})).json()["meta"]["totals"]
    assert totals["requests"] == 6
    assert (totals["succeeded"], totals["unpriced"], totals["estimated"]) == (4, 1, 2)
    assert totals["cost_nanousd"] == 1_500 + 2_000_000_000 + 30 + 2_200
    assert totals["cost_usd"] == "2.000003730"
    assert (totals["input_tokens"], totals["output_tokens"], totals["tokens"]) == (43, 20, 63)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"user_id": "user-2"}, [4, 3, 2]),
        ({"key_id": "key-1"}, [5, 1, 0]),
        ({"key_id": "key-2", "user_id": "user-2"}, [4, 3, 2]),
        ({"key_id": "nobody's"}, []),
        ({"department_id": "department-1"}, [5, 1, 0]),
        ({"model": "claude-b"}, [1]),
        ({"model": "gpt-a"}, [5, 4, 3, 2, 0]),
        ({"provider": "anthropic"}, [1]),
        ({"status": 403}, [3]),
        ({"outcome": "refused"}, [3]),
        ({"outcome": "cut"}, [4]),
        ({"error_code": "UPSTREAM_CUT"}, [4]),
        ({"operation": "embeddings"}, []),
        ({"request_id": "first"}, [0]),
        ({"priced": "false"}, [2]),
        ({"min_cost_nanousd": 2_000}, [5, 1]),
        ({"min_cost_nanousd": 1_000, "max_cost_nanousd": 2_200}, [5, 0]),
        ({"from": "2026-05-29T12:00:00Z"}, [5, 4, 3]),
        ({"to": "2026-05-29T12:00:00Z"}, [2, 1, 0]),
        ({"from": "2026-05-28T00:00:00+02:00", "to": "2026-05-29T00:00:00Z"}, [1]),
        ({"from": "2026-05-27T13:00:00Z", "to": "2026-05-29T12:00:00.001Z", "model": "gpt-a"}, [3, 2]),
        ({"sort": "started_at"}, [0, 1, 2, 3, 4, 5]),
        ({"sort": "-cost"}, [1, 5, 0, 4, 3, 2]),
        ({"sort": "cost"}, [3, 4, 0, 5, 1, 2]),
        ({"per_page": 2, "page": 2}, [3, 2]),
    ],
)
async def test_a_filter_finds_its_rows_and_their_sums(
    operator: Api, filled: list[bytes], params: dict[str, Any], expected: list[int]
) -> None:
    response = await operator.get(LEDGER, params=params)
    assert response.is_success, response.text
    body = response.json()
    assert [filled.index(UUID(row["event_id"]).bytes) for row in body["data"]] == expected
    if "page" not in params:
        assert body["meta"]["totals"]["requests"] == len(expected)
        assert body["meta"]["totals"]["cost_nanousd"] == sum(row["cost_nanousd"] or 0 for row in body["data"])


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"modle": "gpt-a"}, "modle"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-05-29T12:00:00"}, "from"),
        ({"from": "2026-05-30T00:00:00Z", "to": "2026-05-29T00:00:00Z"}, "after"),
        ({"outcome": "fine"}, "outcome"),
        ({"sort": "model"}, "started_at"),
        ({"per_page": 100_000}, "per_page"),
        ({"status": "many"}, "status"),
        ({"min_cost_nanousd": 2**70}, "min_cost_nanousd"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_with_a_reason(
    operator: Api, params: dict[str, Any], word: str
) -> None:
    response = await operator.get(LEDGER, params=params)
    assert response.status_code == 400
    assert word in response.json()["message"]


async def test_one_row_is_found_by_its_event(operator: Api, filled: list[bytes]) -> None:
    found = await operator.data("GET", f"{LEDGER}/{UUID(bytes=filled[3])}")
    assert (found["outcome"], found["model_served"], found["model_asked"]) == ("refused", None, "gpt-a")
    assert (found["cost_nanousd"], found["priced"]) == (0, True)
    missing = await operator.get(f"{LEDGER}/{UUID(bytes=event_id())}")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert (await operator.get(f"{LEDGER}/first")).status_code == 400


# ---- who sees what


async def test_a_person_sees_only_their_own_rows(
    services: ControlServices, operator: Api, journals: Path, drain_again: DrainOnce
) -> None:
    user = await make_user(operator)
    key = await make_key(operator, user_id=user, scopes=["ledger:read"])
    with JournalWriter(journals) as relay:
        own = relay.call(caller=Caller(key["id"], "k", user, None), started_at_ms=NOON)
        others = relay.call(caller=CALLER, started_at_ms=NOON)
    await drain_again()
    async with api(services, key["key"]) as person:
        assert await ids(person) == [own]
        assert await ids(person, user_id="user-1") == []
        assert await ids(person, key_id="key-1") == []
        assert (await person.get(LEDGER)).json()["meta"]["totals"]["requests"] == 1
        assert (await person.get(f"{LEDGER}/{UUID(bytes=others)}")).status_code == 404
        assert (await person.get(f"{LEDGER}/{UUID(bytes=own)}")).status_code == 200
        lines = (await person.get(f"{LEDGER}/export", params={"format": "ndjson"})).text.splitlines()
        assert [json.loads(line)["event_id"] for line in lines] == [str(UUID(bytes=own))]
        summary = (await person.get(f"{LEDGER}/summary", params={"by": "user"})).json()
        assert [group["user_id"] for group in summary["data"]] == [user]
        assert summary["meta"]["totals"]["requests"] == 1


async def test_an_administrators_key_sees_every_row(
    services: ControlServices, filled: list[bytes], operator: Api
) -> None:
    async with api(services, services.settings.first_key_file.read_text().strip()) as admin:
        assert len(await ids(admin)) == len(filled)


async def test_a_key_without_the_scope_sees_nothing(services: ControlServices, operator: Api) -> None:
    key = await make_key(operator, scopes=["models:read"])
    async with api(services, key["key"]) as person:
        for path in ("", "/summary", "/export", f"/{UUID(bytes=event_id())}"):
            response = await person.get(LEDGER + path)
            assert response.status_code == 403
            assert "ledger:read" in response.json()["message"]
    async with api(services, "tp-unknown") as stranger:
        assert (await stranger.get(LEDGER)).status_code == 401


# ---- exports


async def test_an_ndjson_export_has_a_line_for_each_row_the_oldest_first(operator: Api, filled: list[bytes]) -> None:
    response = await operator.get(f"{LEDGER}/export", params={"format": "ndjson"})
    assert response.headers["content-type"].startswith("application/x-ndjson")
    assert 'filename="turnpike-ledger-' in response.headers["content-disposition"]
    rows = [json.loads(line) for line in response.text.splitlines()]
    assert [UUID(row["event_id"]).bytes for row in rows] == filled
    assert rows == (await operator.get(LEDGER, params={"sort": "started_at"})).json()["data"]


async def test_a_csv_export_is_safe_to_open_in_a_spreadsheet(operator: Api, filled: list[bytes]) -> None:
    response = await operator.get(f"{LEDGER}/export", params={"user_id": "user-2"})
    assert response.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [UUID(row["event_id"]).bytes for row in rows] == filled[2:5]
    assert {row["key_name"] for row in rows} == {"'=HYPERLINK(1)"}
    assert (rows[0]["cost_nanousd"], rows[0]["priced"], rows[0]["stream"]) == ("", "false", "false")


async def test_an_empty_csv_export_still_names_its_columns(operator: Api) -> None:
    text = (await operator.get(f"{LEDGER}/export")).text
    assert text.startswith("event_id,started_at,")
    assert text.count("\n") == 1
    assert (await operator.get(f"{LEDGER}/export", params={"format": "ndjson"})).text == ""


async def test_an_export_of_many_parts_has_each_row_once(
    operator: Api, journals: Path, drain_again: DrainOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CHUNK_ROWS", 7)
    with JournalWriter(journals, segment_bytes=1024 * 1024) as relay:
        # Many rows share a moment, so that parts end in the middle of one.
        calls = [relay.call(started_at_ms=NOON + number // 10) for number in range(98)]
    await drain_again()
    lines = (await operator.get(f"{LEDGER}/export", params={"format": "ndjson"})).text.splitlines()
    assert [UUID(json.loads(line)["event_id"]).bytes for line in lines] == calls


async def test_an_unknown_export_format_is_refused(operator: Api) -> None:
    assert (await operator.get(f"{LEDGER}/export", params={"format": "xlsx"})).status_code == 400


# ---- summaries


async def test_a_summary_by_day_adds_up_what_the_rows_say(operator: Api, filled: list[bytes]) -> None:
    body = (await operator.get(f"{LEDGER}/summary")).json()
    days = [(group["day"], group["requests"], group["cost_nanousd"], group["unpriced"]) for group in body["data"]]
    assert days == [
        ("2026-05-27", 1, 1_500, 0),
        ("2026-05-28", 1, 2_000_000_000, 0),
        ("2026-05-29", 4, 2_230, 1),
    ]
    assert body["meta"]["totals"]["requests"] == 6
    assert body["meta"]["pagination"]["total"] == 3


@pytest.mark.parametrize(
    ("by", "field", "expected"),
    [
        ("model", "model", {"gpt-a": 5, "claude-b": 1}),
        ("key", "key_id", {"key-1": 3, "key-2": 3}),
        ("user", "user_id", {"user-1": 3, "user-2": 3}),
        ("provider", "provider", {"openai": 4, "anthropic": 1, None: 1}),
        ("department", "department_id", {"department-1": 3, None: 3}),
        ("deployment", "deployment_id", {"deployment-1": 4, "d-2": 1, None: 1}),
    ],
)
async def test_a_summary_groups_by_what_was_asked(
    operator: Api, filled: list[bytes], by: str, field: str, expected: dict[str | None, int]
) -> None:
    groups = await operator.data("GET", f"{LEDGER}/summary", params={"by": by})
    assert {group[field]: group["requests"] for group in groups} == expected


async def test_a_summary_by_several_things_within_days_and_sorted(operator: Api, filled: list[bytes]) -> None:
    params = {"by": "day,key", "from": "2026-05-28", "to": "2026-05-29", "sort": "-cost"}
    groups = await operator.data("GET", f"{LEDGER}/summary", params=params)
    found = [(group["day"], group["key_id"], group["key_name"], group["requests"]) for group in groups]
    assert found == [
        ("2026-05-28", "key-1", "first key", 1),
        ("2026-05-29", "key-1", "first key", 1),
        ("2026-05-29", "key-2", "=HYPERLINK(1)", 3),
    ]


@pytest.mark.parametrize("params", [{"by": "hour"}, {"from": "2026-05-30", "to": "2026-05-01"}, {"sort": "model"}])
async def test_a_summary_that_cannot_be_is_refused(operator: Api, params: dict[str, str]) -> None:
    assert (await operator.get(f"{LEDGER}/summary", params=params)).status_code == 400
