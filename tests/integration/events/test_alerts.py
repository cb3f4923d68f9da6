"""Alert rules over a real ledger: what fires, when, who is told, and what a silence does."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import String, insert, select, update

from tests.support.control import Api, api, make_user
from tests.support.receiving import Delivering, Receiver
from turnpike.contract.events import Outcome
from turnpike.control.db.models import AlertState, Budget, BudgetCounter, LedgerRow, LedgerTotal
from turnpike.control.delivery.health_reports import HealthReports
from turnpike.control.domains.alerts import evaluator as evaluating
from turnpike.control.domains.alerts.evaluator import Evaluator
from turnpike.control.domains.budgets.overseer import Overseer
from turnpike.control.provider_health import CheckResult
from turnpike.control.services import ControlServices
from turnpike.kit.clock import now_ms, utc_day

ALERTS = "/api/v1/alerts"
HOME = "c" * 32
HOUR_MS = 3_600_000
_EMPTY = {column.name: None if column.nullable else 0 for column in LedgerRow.__table__.columns}


def call(ago_s: float = 60.0, *, usd: float = 0.0, provider: str = "acme", **values: Any) -> dict[str, Any]:
    """A row of the ledger."""
    row = {
        **_EMPTY, "event_id": uuid4().bytes, "started_at_ms": now_ms() - int(ago_s * 1000), "request_id": "r",
        "key_id": "k", "key_name": "k", "user_id": "u", "operation": "chat", "dialect_in": "openai_chat",
        "stream": False, "model_asked": "m", "model": "m", "provider": provider, "status": 200,
        "cost_nanousd": int(usd * 1e9), "priced": True, "total_us": 100_000, "first_byte_us": 50_000, "attempts": 1,
    }  # fmt: skip
    return {**row, **values}


async def write(services: ControlServices, *rows: dict[str, Any]) -> None:
    async with services.database.write() as session:
        await session.execute(insert(LedgerRow), list(rows))


@pytest.fixture
def evaluator(services: ControlServices) -> Evaluator:
    return Evaluator(services.settings, services.database, HOME)


async def make_rule(operator: Api, **values: Any) -> dict[str, Any]:
    return await operator.data("POST", f"{ALERTS}/rules", {"name": "rule", "resolve_s": 0, **values})


async def slack(operator: Api, hook: Receiver) -> str:
    return (await operator.data("POST", f"{ALERTS}/targets", {"name": "ops", "kind": "slack", "url": hook.url}))["id"]


async def firing(operator: Api) -> dict[str, dict[str, Any]]:
    return {each["subject"]: each for each in await operator.data("GET", ALERTS) if each["state"] == "firing"}


async def test_a_cost_threshold_fires_once_and_is_resolved(
    services: ControlServices, operator: Api, hook: Receiver, evaluator: Evaluator, delivering: Delivering
) -> None:
    target = await slack(operator, hook)
    rule = await make_rule(operator, kind="spend", threshold=5.0, window_minutes=30, targets=[target])
    await write(services, call(usd=3.0), call(usd=1.0), call(3600, usd=100.0))
    await evaluator.evaluate()
    assert await firing(operator) == {}
    await write(services, call(usd=2.5))
    for _ in range(3):
        assert await evaluator.evaluate() is True
        await delivering.turn()
    found = (await firing(operator))[""]
    assert (found["value"], found["rule_id"]) == (6.5, rule["id"])
    (got,) = hook.got
    assert "6.50 USD were spent in 30 minutes" in got.json["text"]
    await operator.data("PATCH", f"{ALERTS}/rules/{rule['id']}", {"threshold": 50.0})
    for _ in range(2):
        await evaluator.evaluate()
        await delivering.turn()
    assert await firing(operator) == {}
    assert "[resolved] rule" in hook.got[1].json["text"]
    assert len(hook.got) == 2
    assert [each["state"] for each in await operator.data("GET", f"{ALERTS}/history")] == ["resolved", "firing"]


async def test_it_is_pending_for_its_hold_and_firing_for_its_end(
    services: ControlServices, operator: Api, evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = now_ms()
    monkeypatch.setattr(evaluating, "now_ms", lambda: clock)
    rule = await make_rule(
        operator, kind="spend", scope="user", subject="u", threshold=1, window_minutes=60, hold_s=120, resolve_s=60
    )
    await write(services, call(usd=2.0))

    async def states() -> list[str]:
        await evaluator.evaluate()
        return [each["state"] for each in await operator.data("GET", ALERTS)]

    assert await states() == ["pending"]
    clock += 119_000
    assert await states() == ["pending"]
    clock += 2_000
    assert await states() == ["firing"]
    async with services.database.write() as session:
        await session.execute(update(LedgerRow).values(cost_nanousd=0))
    assert await states() == ["firing"]
    clock += 59_000
    assert await states() == ["firing"]
    clock += 2_000
    assert await states() == []
    history = await operator.data("GET", f"{ALERTS}/history", params={"rule_id": rule["id"]})
    assert [each["state"] for each in history] == ["resolved", "firing", "pending"]


async def test_what_passes_before_its_hold_is_over_never_fires(
    services: ControlServices, operator: Api, evaluator: Evaluator
) -> None:
    await make_rule(operator, kind="spend", threshold=1, hold_s=60)
    await write(services, call(usd=2.0))
    await evaluator.evaluate()
    async with services.database.write() as session:
        await session.execute(update(LedgerRow).values(cost_nanousd=0))
    await evaluator.evaluate()
    assert await operator.data("GET", ALERTS) == []
    assert [each["state"] for each in await operator.data("GET", f"{ALERTS}/history")] == ["pending"]


async def test_error_rates_are_told_for_each_provider(
    services: ControlServices, operator: Api, evaluator: Evaluator
) -> None:
    await make_rule(operator, kind="error_rate", scope="provider", subject="*", threshold=20, window_minutes=15)
    bad, cancelled = int(Outcome.UPSTREAM_ERROR), int(Outcome.CANCELLED)
    rows = [call(outcome=bad) for _ in range(6)] + [call() for _ in range(18)]
    rows += [call(provider="good", outcome=cancelled) for _ in range(30)] + [call(provider="good") for _ in range(30)]
    rows += [call(provider="rare", outcome=bad) for _ in range(5)]  # too few to say anything
    await write(services, *rows)
    await evaluator.evaluate()
    found = await firing(operator)
    assert set(found) == {"acme"}
    assert (found["acme"]["value"], found["acme"]["message"]) == (25.0, "6 of 24 calls failed in 15 minutes")


async def test_latencies_are_told_by_their_percentile(
    services: ControlServices, operator: Api, evaluator: Evaluator
) -> None:
    options = {"percentile": 90, "min_requests": 10}
    rule = {"kind": "latency", "scope": "model", "subject": "m", "window_minutes": 10, "options": options}
    await make_rule(operator, threshold=900, **rule)
    await make_rule(operator, threshold=901, **{**rule, "name": "more"})
    await make_rule(
        operator,
        threshold=1,
        **{**rule, "name": "first"},
    )
    await write(services, *(call(total_us=place * 100_000, first_byte_us=500) for place in range(1, 11)))
    await evaluator.evaluate()
    found = await operator.data("GET", ALERTS)
    assert {(each["rule"], each["value"]) for each in found} == {("rule", 900.0), ("first", 900.0)}


async def test_spending_unlike_the_hours_before_is_an_anomaly(
    services: ControlServices, operator: Api, evaluator: Evaluator
) -> None:
    await make_rule(operator, kind="spend_anomaly", scope="user", subject="*", threshold=6)
    past = [call(3600 * hour + 1800, usd=1 + hour % 3 / 10, user_id=who) for hour in range(1, 60) for who in "ab"]
    await write(services, *past, call(usd=1.3, user_id="a"), call(usd=9.0, user_id="b"), call(usd=90, user_id="new"))
    await evaluator.evaluate()
    found = await firing(operator)
    assert set(found) == {"b"}
    assert "9.00 USD were spent in an hour; 1.10 USD are usual" in found["b"]["message"]
    assert found["b"]["value"] > 6
    await evaluator.evaluate()  # now by what is remembered
    assert set(await firing(operator)) == {"b"}


async def test_long_windows_are_summed_by_days(services: ControlServices, operator: Api, evaluator: Evaluator) -> None:
    await make_rule(operator, kind="spend", threshold=10, window_minutes=7 * 1440, scope="department", subject="*")
    empty = {column.name: "" if isinstance(column.type, String) else 0 for column in LedgerTotal.__table__.columns}

    def day(days_ago: int, department: str, usd: float) -> dict[str, Any]:
        nanousd = int(usd * 1e9)
        name = utc_day(now_ms() - days_ago * 24 * HOUR_MS)
        return {**empty, "day": name, "department_id": department, "cost_nanousd": nanousd}

    async with services.database.write() as session:
        rows = [day(ago, who, 4.0) for ago in (0, 3, 6) for who in ("sales", "")]
        rows += [day(0, "research", 4.0), day(6, "research", 4.0), day(9, "research", 40.0)]
        await session.execute(insert(LedgerTotal), rows)
    await evaluator.evaluate()
    found = await firing(operator)
    assert {subject: each["value"] for subject, each in found.items()} == {"sales": 12.0}, "nobody's is no department's"


async def test_a_provider_that_fails_a_machines_checks_fires(
    services: ControlServices, operator: Api, evaluator: Evaluator, hook: Receiver, delivering: Delivering
) -> None:
    webhook = await operator.data(
        "POST", "/api/v1/webhooks", {"url": hook.url, "event_types": ["provider.health_changed", "alert.*"]}
    )
    target = await operator.data(
        "POST", f"{ALERTS}/targets", {"name": "hook", "kind": "webhook", "webhook_id": webhook["id"]}
    )
    await make_rule(operator, kind="provider_health", targets=[target["id"]])
    reports = HealthReports(services.database, services.provider_health, HOME)
    services.provider_health.found("p1", CheckResult("acme", now_ms(), True, 503, 5, "It answered 503.", 2))
    await reports.report()
    await evaluator.evaluate()
    await delivering.turn()
    told = {got.json["type"]: got.verified(webhook["secret"])["data"] for got in hook.got}
    assert told["provider.health_changed"]["healthy"] is False
    assert told["alert.firing"]["subject"] == "acme"
    assert len(hook.got) == 2  # asked for and told by the rule, and sent once
    # A process that starts anew says nothing of what it has not checked yet.
    await HealthReports(services.database, type(services.provider_health)(), HOME).report()
    services.provider_health.found("p1", CheckResult("acme", now_ms(), False, 200, 5, None))
    await reports.report()
    await evaluator.evaluate()
    await evaluator.evaluate()
    await delivering.turn()
    assert {got.json["type"] for got in hook.got[2:]} == {"provider.health_changed", "alert.resolved"}
    assert hook.got[2].json["data"].get("healthy", True) is True


async def test_a_silence_keeps_it_from_being_told_until_it_ends(
    services: ControlServices, operator: Api, hook: Receiver, evaluator: Evaluator, delivering: Delivering
) -> None:
    target = await slack(operator, hook)
    await make_rule(operator, kind="spend", threshold=1, targets=[target])
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    silence = await operator.data("POST", f"{ALERTS}/silences", {"rule": "ru*", "until": until, "reason": "planned"})
    await write(services, call(usd=2.0))
    await evaluator.evaluate()
    await delivering.turn()
    assert hook.got == []
    assert (await firing(operator))[""]["told_at"] is None
    (record,) = await operator.data("GET", f"{ALERTS}/history")
    assert record["silence_id"] == silence["id"]
    await operator.data("DELETE", f"{ALERTS}/silences/{silence['id']}")
    await evaluator.evaluate()
    await delivering.turn()
    assert len(hook.got) == 1
    assert await operator.data("GET", f"{ALERTS}/silences") == []
    assert len(await operator.data("GET", f"{ALERTS}/silences", params={"over": "true"})) == 1


async def test_one_process_evaluates_at_a_time(
    services: ControlServices, operator: Api, hook: Receiver, delivering: Delivering
) -> None:
    target = await slack(operator, hook)
    await make_rule(operator, kind="spend", threshold=1, targets=[target])
    await write(services, call(usd=2.0))
    evaluators = [Evaluator(services.settings, services.database, name * 32) for name in "xyz"]
    done = await asyncio.gather(*(each.evaluate() for each in evaluators))
    assert sum(done) == 1
    assert sum(await asyncio.gather(*(each.evaluate() for each in evaluators))) == 1
    await delivering.turn()
    assert len(hook.got) == 1


async def test_a_budgets_percentage_goes_to_the_same_targets_once(
    services: ControlServices, operator: Api, hook: Receiver, delivering: Delivering
) -> None:
    await slack(operator, hook)
    user = await make_user(operator)
    body = {"kind": "user", "subject": user, "amount_usd": "10", "period": "total", "alerts": [50, 80]}
    budget = await operator.data("POST", "/api/v1/budgets", body)
    async with services.database.write() as session:
        row = await session.get_one(Budget, budget["id"])
        session.add(BudgetCounter(budget_id=row.id, start_ms=0, spent_nanousd=6 * 10**9, changed_at_ms=now_ms()))
    first, second = Overseer(services.database, services.money), Overseer(services.database, services.money)
    await asyncio.gather(first.raise_alerts(), second.raise_alerts())
    await delivering.turn()
    (got,) = hook.got
    assert got.json["text"] == f"*[budget] 50 % of 10.00 USD is spent by user {user}*"


# ---- what is wrong in a request


async def test_wrong_wishes_are_refused(embedded: ControlServices, hook: Receiver) -> None:
    async with api(embedded) as operator:
        for body in (
            {"name": "r", "kind": "spend", "scope": "user"},
            {"name": "r", "kind": "spend", "subject": "u"},
            {"name": "r", "kind": "error_rate", "threshold": 101},
            {"name": "r", "kind": "latency", "window_minutes": 2000},
            {"name": "r", "kind": "weather"},
            {"name": "r", "kind": "spend", "targets": ["01980000-0000-7000-8000-000000000000"]},
        ):
            assert (await operator.post(f"{ALERTS}/rules", body)).status_code == 400, body
        for body in (
            {"name": "t", "kind": "email"},
            {"name": "t", "kind": "slack", "url": hook.url, "addresses": ["a@example.com"]},
            {"name": "t", "kind": "slack", "url": "https://10.0.0.1/"},
            {"name": "t", "kind": "webhook", "webhook_id": "01980000-0000-7000-8000-000000000000"},
            {"name": "t", "kind": "email", "addresses": ["a@example.com\nBcc: b@example.com"]},
        ):
            assert (await operator.post(f"{ALERTS}/targets", body)).status_code in (400, 403), body
        no_server = await operator.post(
            f"{ALERTS}/targets", {"name": "t", "kind": "email", "addresses": ["a@example.com"]}
        )
        assert no_server.status_code == 409
        past = {"until": "2001-01-01T00:00:00Z"}
        assert (await operator.post(f"{ALERTS}/silences", past)).status_code == 400
        target = await slack(operator, hook)
        await make_rule(operator, kind="spend", targets=[target])
        assert (await operator.delete(f"{ALERTS}/targets/{target}")).status_code == 409
        assert hook.url not in (await operator.get(f"{ALERTS}/targets/{target}")).text


async def test_a_rule_that_is_deleted_or_switched_off_resolves_what_fires(
    services: ControlServices, operator: Api, hook: Receiver, evaluator: Evaluator, delivering: Delivering
) -> None:
    target = await slack(operator, hook)
    rule = await make_rule(operator, kind="spend", threshold=1, targets=[target])
    await write(services, call(usd=2.0))
    await evaluator.evaluate()
    await operator.data("DELETE", f"{ALERTS}/rules/{rule['id']}")
    async with services.database.read() as session:
        assert (await session.scalars(select(AlertState))).all() == []
    while len(hook.got) < 2:
        assert await delivering.turn()
    assert any("[resolved]" in got.json["text"] for got in hook.got)
    states = [each["state"] for each in await operator.data("GET", f"{ALERTS}/history")]
    assert states == ["resolved", "firing"]
