"""Each call is one row of the ledger, with the figures that the case predicts and the cost that follows from them."""

import asyncio
import time
from typing import Any

import pytest

from tests.support.cases import CASES, Case
from tests.support.dialects import DIALECTS, ask, sayable, usage_of
from tests.support.gateway import (
    EMBEDDING_MODEL,
    SIDES,
    UPSTREAM_MODEL,
    RunningGateway,
    cost_nanousd,
    wait_for,
)
from tests.support.sdks import Calls

HELLO: list[Any] = [{"role": "user", "content": "hello"}]


def tokens_of(row: dict[str, Any]) -> tuple[int, ...]:
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    return tuple(row[name] for name in names)


@pytest.mark.parametrize("provider", DIALECTS, ids=lambda name: f"to-{name}")
@pytest.mark.parametrize("caller", DIALECTS, ids=lambda name: f"from-{name}")
async def test_every_case_has_one_row_with_its_usage_and_cost(
    gateway: RunningGateway, one_kind: Calls, caller: str, provider: str
) -> None:
    prefix = f"ledger-{caller}-{provider}-{time.time_ns()}"
    asked: dict[str, tuple[Case, bool]] = {}
    for case in (case for case in CASES if sayable(case, caller, provider)):
        for stream in (False, True):
            name = f"{prefix}-{case.name}-{stream}"
            headers = {"x-request-id": name}
            await ask(one_kind, caller, case, SIDES[provider].model, stream=stream, extra_headers=headers)
            asked[name] = (case, stream)
    rows = wait_for("a row for each call", lambda: _rows(gateway, prefix, len(asked)))

    assert {row["request_id"] for row in rows} == set(asked)
    for row in rows:
        case, stream = asked[row["request_id"]]
        usage = usage_of(case, provider)
        expected = (usage.input, usage.output, usage.cached, usage.cache_write, usage.reasoning)
        assert tokens_of(row) == expected, case.name
        assert row["cost_nanousd"] == cost_nanousd(usage), case.name
        assert (row["stream"], row["status"]) == (stream, 200)
        assert (row["dialect_in"], row["dialect_out"]) == (caller, provider)
        assert (row["model_asked"], row["upstream_model"]) == (SIDES[provider].model, UPSTREAM_MODEL)
        assert (row["provider"], row["attempts"]) == (SIDES[provider].slug, 1)


def _rows(gateway: RunningGateway, prefix: str, wanted: int) -> list[dict[str, Any]] | None:
    """All rows whose request id begins so, once there are as many as were asked for."""
    newest = gateway.api("GET", "/ledger", per_page=200, sort="-started_at")
    rows = [row for row in newest if row["request_id"].startswith(prefix)]
    assert len(rows) <= wanted, "a call has more than one row"
    return rows if len(rows) == wanted else None


async def test_an_embedding_is_written_down(gateway: RunningGateway, calls: Calls, request_id: str) -> None:
    await calls.embeddings(
        model=EMBEDDING_MODEL, input=["one two", "three"], extra_headers={"x-request-id": request_id}
    )
    row = gateway.ledger_row(request_id)

    assert (row["operation"], row["input_tokens"], row["output_tokens"]) == ("embeddings", 3, 0)
    assert row["cost_nanousd"] == 3 * 1000


async def test_counting_tokens_is_written_down_and_free(gateway: RunningGateway, calls: Calls, request_id: str) -> None:
    await calls.count_tokens(
        model=SIDES["anthropic_messages"].model, messages=HELLO, extra_headers={"x-request-id": request_id}
    )
    row = gateway.ledger_row(request_id)

    assert (row["operation"], row["cost_nanousd"]) == ("count_tokens", 0)


async def test_the_answer_says_its_cost(one_kind: Calls) -> None:
    answer: Any = await one_kind.openai.chat.completions.with_raw_response.create(
        model=SIDES["openai_chat"].model, messages=HELLO
    )

    assert answer.headers["x-turnpike-cost"] == "0.000025000", "1 token in and 12 out"
    assert answer.headers["x-turnpike-provider"] == SIDES["openai_chat"].slug


async def test_a_call_without_reported_usage_is_estimated_and_marked(
    gateway: RunningGateway, one_kind: Calls, request_id: str
) -> None:
    headers = {"x-request-id": request_id, "x-sim-fault": "no-usage"}
    await one_kind.chat_stream(model=SIDES["openai_chat"].model, messages=HELLO, extra_headers=headers)
    row = gateway.ledger_row(request_id)

    assert row["usage_source"] == "estimated"
    assert row["output_tokens"] > 0
    assert row["cost_nanousd"] > 0


async def test_calls_side_by_side_have_a_row_each(gateway: RunningGateway, one_kind: Calls) -> None:
    prefix = f"many-{time.time_ns()}"
    await asyncio.gather(
        *(
            one_kind.chat(
                model=SIDES["openai_chat"].model, messages=HELLO, extra_headers={"x-request-id": f"{prefix}-{number}"}
            )
            for number in range(40)
        )
    )
    rows = wait_for("40 rows", lambda: _rows(gateway, prefix, 40))

    assert len({row["event_id"] for row in rows}) == 40
    assert len([call for call in gateway.simulator.calls() if str(call["request_id"]).startswith(prefix)]) == 40
