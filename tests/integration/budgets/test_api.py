"""Budgets in the platform's API, what becomes of them in grants and snapshots, and their alerts."""

from typing import Any

from tests.support.control import Api, api, make_key, make_model, make_provider, make_user, running_control
from tests.support.journals import event_id, usage_event
from turnpike.contract.grants import key_digest
from turnpike.contract.periods import Span
from turnpike.control.db.models import BudgetSlice
from turnpike.control.domains.budgets.overseer import Overseer
from turnpike.control.drain.charges import Charged
from turnpike.control.drain.rows import row_of
from turnpike.control.drain.writers import open_writer
from turnpike.control.services import ControlServices
from turnpike.kit.clock import now_ms
from turnpike.settings import Settings

PATH = "/api/v1/budgets"


async def make(operator: Api, kind: str = "gateway", subject: str = "", **more: Any) -> dict[str, Any]:
    body = {"kind": kind, "subject": subject, "amount_usd": "1.5", "period": "month", **more}
    return await operator.data("POST", PATH, body)


async def spend(settings: Settings, budget: dict[str, Any], services: ControlServices, nanousd: int) -> None:
    """As the ledger's drain does."""
    start, _ = Span(budget["period"], budget["time_zone"]).of(now_ms())
    writer = open_writer(settings)
    call = event_id()
    charges = {call: Charged((f"{budget['id']}@{start}",), "relay")}
    await writer.write([row_of(usage_event(call, cost_nanousd=nanousd))], charges)
    await writer.close()


async def test_a_budget_is_made_shown_changed_and_deleted(settings: Settings) -> None:
    async with running_control(settings) as services, api(services) as operator:
        made = await make(operator, alerts=[50, 80, 50], time_zone="Europe/Berlin")
        assert (made["amount_usd"], made["alerts"], made["hard"]) == ("1.500000000", [50, 80], True)
        assert made["remaining_usd"] == "1.500000000"
        changed = await operator.data("PATCH", f"{PATH}/{made['id']}", {"amount_usd": "0.000000001", "hard": False})
        assert (changed["amount_usd"], changed["hard"]) == ("0.000000001", False)
        assert [row["id"] for row in await operator.data("GET", PATH)] == [made["id"]]
        await operator.data("DELETE", f"{PATH}/{made['id']}")
        assert (await operator.get(f"{PATH}/{made['id']}")).status_code == 404


async def test_what_is_wrong_is_told(settings: Settings) -> None:
    async with running_control(settings) as services, api(services) as operator:
        wrong = (
            {"kind": "key"},
            {"kind": "key", "subject": "01890a5d-ac96-774b-bcce-b302099a8057"},
            {"kind": "gateway", "subject": "x"},
            {"time_zone": "Mars/Olympus"},
            {"period": "rolling"},
            {"period": "day", "rolling_hours": 3},
            {"amount_usd": "0.0000000001"},
            {"amount_usd": "-1"},
        )
        for each in wrong:
            body = {"kind": "gateway", "subject": "", "amount_usd": "1", "period": "month", **each}
            answer = await operator.post(PATH, body)
            assert answer.status_code == 400, (each, answer.text)
        await make(operator)
        assert (await operator.post(PATH, {"kind": "gateway", "amount_usd": "9", "period": "month"})).status_code == 409


async def test_only_administrators_see_all_budgets_and_everybody_their_own(settings: Settings) -> None:
    async with running_control(settings) as services, api(services) as operator:
        user = await make_user(operator)
        key = await make_key(operator, user_id=user)
        await make(operator)
        mine = [await make(operator, "key", key["id"]), await make(operator, "user", user)]
        async with api(services, key["key"]) as person:
            assert (await person.get(PATH)).status_code == 403
            shown = await person.data("GET", f"{PATH}/current")
            assert [row["id"] for row in shown] == [row["id"] for row in mine]


async def test_relays_are_told_of_the_budgets_of_a_key_with_its_grant_and_of_others_with_the_snapshot(
    settings: Settings,
) -> None:
    async with running_control(settings) as services, api(services) as operator:
        key = await make_key(operator)
        provider = await make_provider(operator, "acme", shared_api_key="sk-shared-0123456789")
        await make_model(operator, "acme", "gpt-a", model_id="gpt-a", capabilities=["chat"])
        own = await make(operator, "key", key["id"])
        at = await make(operator, "provider", "acme")
        model = await make(operator, "model", "gpt-*")
        await make(operator, "model", "claude-*")
        tag = await make(operator, "tag", "batch")
        whole = await make(operator, period="day")
        await services.keeper.refresh()
        snapshot = services.keeper.snapshot
        assert snapshot is not None
        assert {spec.id for spec in snapshot.budgets} == {tag["id"], whole["id"]}
        assert [spec.id for spec in snapshot.providers[0].budgets] == [at["id"]]
        assert snapshot.providers[0].id == provider["id"]
        assert [spec.id for spec in snapshot.models[0].budgets] == [model["id"]]
        digest = key_digest(key["key"].encode(), services.sealer.keyring.pepper)
        grant = await services.keeper.grants.resolve(digest)
        assert grant is not None
        assert [spec.id for spec in grant.budgets] == [own["id"]]


async def test_a_persons_monthly_limit_is_a_budget_of_their_credential(settings: Settings) -> None:
    async with running_control(settings) as services, api(services) as operator:
        key = await make_key(operator, user_id=await make_user(operator))
        await make_provider(operator, "acme")
        async with api(services, key["key"]) as person:
            path = "/api/v1/ai/providers/acme/settings"
            answer = await person.put(path, {"personal_api_key": "sk-own-0123456789", "monthly_limit": 1000})
            assert answer.is_success, answer.text
            (row,) = await operator.data("GET", PATH)
            assert (row["kind"], row["amount_usd"], row["period"]) == ("credential", "10.000000000", "month")
            assert row["follows"] == "monthly_limit"
            assert (await operator.patch(f"{PATH}/{row['id']}", {"amount_usd": "1"})).status_code == 409
            await person.patch(path, {"monthly_limit": None})
            assert await operator.data("GET", PATH) == []


async def test_spending_is_shown_with_a_forecast_and_raises_each_alert_once(settings: Settings) -> None:
    async with running_control(settings) as services, api(services) as operator:
        budget = await make(operator, alerts=[50, 80, 100])
        overseer = Overseer(services.database, services.money)
        await spend(settings, budget, services, 800_000_000)
        assert await overseer.raise_alerts() == 1
        await spend(settings, budget, services, 500_000_000)
        assert await overseer.raise_alerts() == 1
        assert await overseer.raise_alerts() == 0
        shown = await operator.data("GET", f"{PATH}/{budget['id']}")
        assert (shown["spent_usd"], shown["remaining_usd"]) == ("1.300000000", "0.200000000")
        assert float(shown["forecast_usd"]) >= 1.3
        alerts = await operator.data("GET", f"{PATH}/alerts", params={"budget_id": budget["id"]})
        assert sorted(row["percent"] for row in alerts) == [50, 80]
        (period,) = await operator.data("GET", f"{PATH}/{budget['id']}/periods")
        assert period["spent_usd"] == "1.300000000"


async def test_what_was_lent_to_a_machine_that_is_gone_counts_until_it_is_written_off(settings: Settings) -> None:
    async with running_control(settings) as services, api(services) as operator:
        budget = await make(operator, period="total")
        async with services.database.write() as session:
            common = {"budget_id": budget["id"], "start_ms": 0, "settled_nanousd": 0, "asked": 1}
            more = {"fresh": 0, "base_nanousd": 0, "seen_at_ms": now_ms()}
            here = services.money.home
            session.add(BudgetSlice(**common, **more, holder="gone", home="elsewhere", granted_nanousd=10**9))
            session.add(BudgetSlice(**common, **more, holder="ours", home=here, granted_nanousd=10**8))
        path = f"{PATH}/{budget['id']}"
        assert (await operator.data("GET", path))["remaining_usd"] == "0.400000000"
        assert (await operator.data("POST", f"{path}/write-off"))["holders"] == [], "both were heard of just now"
        assert (await operator.post(f"{path}/write-off", {"holder": "ours"})).status_code == 409
        done = await operator.data("POST", f"{path}/write-off", {"holder": "gone"})
        assert done == {"holders": ["gone"], "written_off_usd": "1.000000000"}
        assert (await operator.data("GET", path))["remaining_usd"] == "1.400000000"
