"""Webhooks: who gets what, signed how, tried how often, and what one can see and do about it."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from standardwebhooks.webhooks import WebhookVerificationError

from tests.support.control import Api, api, make_key, make_user, running_control
from tests.support.receiving import Delivering, Receiver, allowing
from turnpike.control.db.models import Delivery, EventRow, WebhookEndpoint
from turnpike.control.services import ControlServices
from turnpike.kit.clock import now_ms

WEBHOOKS = "/api/v1/webhooks"


async def make_webhook(operator: Api, hook: Receiver, *types: str, **more: Any) -> dict[str, Any]:
    body = {"url": hook.url, "event_types": list(types) or ["*"], **more}
    return await operator.data("POST", WEBHOOKS, body)


async def due_now(services: ControlServices) -> None:
    """As if the time until the next attempt were over."""
    async with services.database.write() as session:
        await session.execute(update(Delivery).where(Delivery.status == "pending").values(due_at_ms=now_ms()))


async def test_an_event_reaches_who_asked_for_it_and_its_signature_verifies(
    operator: Api, hook: Receiver, delivering: Delivering
) -> None:
    webhook = await make_webhook(operator, hook, "key.*")
    await make_user(operator)
    key = await make_key(operator, name="billing")
    assert await delivering.turn() == 1
    (got,) = hook.got
    told = got.verified(webhook["secret"])
    assert (told["type"], told["version"], told["id"]) == ("key.created", 1, got.headers["webhook-id"])
    assert (told["data"]["key_id"], told["data"]["name"]) == (key["id"], "billing")
    assert got.path == "/hook?room=7"
    assert key["key"] not in got.body.decode()
    with pytest.raises(WebhookVerificationError):
        got.verified("whsec_" + "A" * 44)


async def test_what_people_and_keys_go_through_is_told(operator: Api, hook: Receiver, delivering: Delivering) -> None:
    await make_webhook(operator, hook)
    department = await operator.data("POST", "/api/v1/departments", {"name": "Research"})
    user = await make_user(operator, email="ada@example.com")
    await operator.data("PATCH", f"/api/v1/users/{user}", {"role": "department_admin"})
    await operator.data("PATCH", f"/api/v1/users/{user}", {"department_id": department["id"]})
    key = await make_key(operator, user_id=user)
    await operator.data("POST", f"/api/v1/keys/{key['id']}/rotate")
    await operator.data("DELETE", f"/api/v1/keys/{key['id']}")
    await operator.data("PATCH", f"/api/v1/users/{user}", {"is_active": False})
    await operator.data("PATCH", f"/api/v1/users/{user}", {"is_active": True})
    while len(hook.got) < 8:
        assert await delivering.turn()
    told = sorted(got.json["type"] for got in hook.got)
    assert told == [
        "key.created", "key.revoked", "key.rotated", "user.activated", "user.created", "user.deactivated",
        "user.department_changed", "user.role_changed",
    ]  # fmt: skip
    (role,) = (got.json["data"] for got in hook.got if got.json["type"] == "user.role_changed")
    assert (role["old_role"], role["new_role"]) == ("user", "department_admin")
    assert "ada@example.com" not in str([got.body for got in hook.got])


async def test_a_change_that_is_rolled_back_tells_nothing(
    services: ControlServices, operator: Api, hook: Receiver, delivering: Delivering
) -> None:
    await make_webhook(operator, hook)
    refused = await operator.post("/api/v1/keys", {"name": "k", "expires_at": "2001-01-01T00:00:00Z"})
    assert refused.status_code == 400
    assert await delivering.turn() == 0


async def test_a_departments_webhook_hears_of_that_department_alone(
    operator: Api, hook: Receiver, delivering: Delivering
) -> None:
    mine = await operator.data("POST", "/api/v1/departments", {"name": "Mine"})
    other = await operator.data("POST", "/api/v1/departments", {"name": "Other"})
    await make_webhook(operator, hook, department_id=mine["id"])
    await make_user(operator, department_id=other["id"])
    await make_user(operator)
    user = await make_user(operator, department_id=mine["id"])
    await delivering.turn()
    assert [got.json["data"]["user_id"] for got in hook.got] == [user]


async def test_a_failure_is_tried_again_under_the_same_id_until_it_is_dead_and_can_be_replayed(
    services: ControlServices, operator: Api, hook: Receiver, delivering: Delivering
) -> None:
    webhook = await make_webhook(operator, hook, "key.*")
    hook.status, hook.answer = 500, b"out of\x1b order"
    await make_key(operator)
    began = now_ms()
    await delivering.turn()
    (shown,) = await operator.data("GET", f"{WEBHOOKS}/{webhook['id']}/deliveries")
    assert (shown["status"], shown["attempts"], shown["last_status"]) == ("pending", 1, 500)
    next_ms = datetime.fromisoformat(shown["next_attempt_at"]).timestamp() * 1000
    assert 4_000 <= next_ms - began <= 9_000  # 5 s, a fifth more or less
    assert await delivering.turn() == 0  # it is not time yet
    for _ in range(2):
        await due_now(services)
        await delivering.turn()
    (shown,) = await operator.data("GET", f"{WEBHOOKS}/{webhook['id']}/deliveries", params={"status": "dead"})
    assert (shown["attempts"], shown["next_attempt_at"]) == (3, None)
    detail = await operator.data("GET", f"{WEBHOOKS}/deliveries/{shown['id']}")
    assert [each["status"] for each in detail["history"]] == [500, 500, 500]
    assert detail["history"][0]["answer"] == "out of  order"
    assert detail["event"]["type"] == "key.created"
    await due_now(services)
    assert await delivering.turn() == 0  # dead is dead
    hook.status = 200
    await operator.data("POST", f"{WEBHOOKS}/deliveries/{shown['id']}/replay")
    await delivering.turn()
    assert len({got.headers["webhook-id"] for got in hook.got}) == 1
    assert len(hook.got) == 4
    assert hook.got[0].body == hook.got[3].body
    assert (await operator.data("GET", f"{WEBHOOKS}/deliveries/{shown['id']}"))["status"] == "delivered"


async def test_all_dead_letters_of_a_webhook_can_be_replayed(
    services: ControlServices, operator: Api, hook: Receiver, delivering: Delivering
) -> None:
    webhook = await make_webhook(operator, hook, "key.*")
    hook.status = 400
    for _ in range(2):
        await make_key(operator)
    for _ in range(3):
        await due_now(services)
        await delivering.turn()
    hook.status = 200
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    none = await operator.data("POST", f"{WEBHOOKS}/{webhook['id']}/replay", {"since": later})
    done = await operator.data("POST", f"{WEBHOOKS}/{webhook['id']}/replay")
    assert (none["replayed"], done["replayed"]) == (0, 2)
    assert await delivering.turn() == 2


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_heeded(
    services: ControlServices, operator: Api, hook: Receiver, delivering: Delivering, form: str
) -> None:
    webhook = await make_webhook(operator, hook, "key.*")
    date = datetime.fromtimestamp(time.time() + 600, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    hook.status, hook.headers = 429, f"retry-after: {600 if form == 'seconds' else date}\r\n"
    await make_key(operator)
    await delivering.turn()
    (shown,) = await operator.data("GET", f"{WEBHOOKS}/{webhook['id']}/deliveries")
    wait_s = datetime.fromisoformat(shown["next_attempt_at"]).timestamp() - time.time()
    assert 590 < wait_s < 605


async def test_redirects_are_not_followed(operator: Api, hook: Receiver, delivering: Delivering) -> None:
    webhook = await make_webhook(operator, hook, "key.*")
    hook.status, hook.headers = 307, "location: http://169.254.169.254/latest/\r\n"
    await make_key(operator)
    await delivering.turn()
    (shown,) = await operator.data("GET", f"{WEBHOOKS}/{webhook['id']}/deliveries")
    assert len(hook.got) == 1
    assert "redirects are not followed" in shown["last_error"]


async def test_a_receiver_that_is_slow_or_endless_is_given_up(embedded: ControlServices, hook: Receiver) -> None:
    delivering = Delivering(embedded)
    async with api(embedded) as operator:
        webhook = await make_webhook(operator, hook, "key.*")
        hook.delay_s = 5.0
        await make_key(operator)
        began = time.monotonic()
        await delivering.turn()
        assert time.monotonic() - began < 3.0
        (shown,) = await operator.data("GET", f"{WEBHOOKS}/{webhook['id']}/deliveries")
        assert (shown["status"], shown["last_status"]) == ("pending", None)
        hook.delay_s, hook.status, hook.answer = 0.0, 200, b"x" * 5_000_000
        await due_now(embedded)
        await delivering.turn()
        detail = await operator.data("GET", f"{WEBHOOKS}/deliveries/{shown['id']}")
        assert detail["status"] == "delivered"
        assert len(detail["history"][1]["answer"]) == 500


async def test_a_slow_receiver_holds_up_nobody_else(embedded: ControlServices, hook: Receiver) -> None:
    slow = Receiver()
    server = await asyncio.start_server(slow.handle, "127.0.0.1", 0)
    slow.port, slow.delay_s = server.sockets[0].getsockname()[1], 0.9
    delivering = Delivering(embedded)
    async with api(embedded) as operator:
        await make_webhook(operator, slow, "key.*")
        for _ in range(6):
            await make_key(operator)
        await delivering.dispatcher.hand_out()
        assert await delivering.worker.begin_due() == 4
        await make_webhook(operator, hook, "key.*")
        await make_key(operator)
        await delivering.dispatcher.hand_out()
        assert await delivering.worker.begin_due() == 1
        async with asyncio.timeout(0.8):
            while not hook.got:
                await asyncio.sleep(0.01)
        await delivering.worker.finish()
    server.close()
    await server.wait_closed()


async def test_who_fails_for_long_is_switched_off_and_that_is_told(
    services: ControlServices, operator: Api, hook: Receiver, delivering: Delivering
) -> None:
    webhook = await make_webhook(operator, hook, "key.*")
    hook.status = 500
    await make_key(operator)
    await delivering.turn()
    async with services.database.write() as session:
        long_ago = now_ms() - 80 * 3_600_000
        await session.execute(update(WebhookEndpoint).values(failing_since_ms=long_ago))
    await due_now(services)
    await delivering.turn()
    shown = await operator.data("GET", f"{WEBHOOKS}/{webhook['id']}")
    assert (shown["is_active"], shown["disabled_because"]) == (False, "Every attempt failed for 72 hours.")
    (dead,) = await operator.data("GET", f"{WEBHOOKS}/{webhook['id']}/deliveries")
    assert (dead["status"], dead["last_error"]) == ("dead", "The endpoint is switched off.")
    async with services.database.read() as session:
        types = (await session.scalars(select(EventRow.type))).all()
    assert "webhook.endpoint_disabled" in types
    await make_key(operator)
    assert await delivering.turn() == 0
    on = await operator.data("PATCH", f"{WEBHOOKS}/{webhook['id']}", {"is_active": True})
    assert (on["disabled_because"], on["failing_since"]) == (None, None)


async def test_who_is_gone_is_switched_off_at_once(operator: Api, hook: Receiver, delivering: Delivering) -> None:
    webhook = await make_webhook(operator, hook, "key.*")
    hook.status = 410
    await make_key(operator)
    await delivering.turn()
    assert (await operator.data("GET", f"{WEBHOOKS}/{webhook['id']}"))["is_active"] is False


async def test_a_new_secret_signs_beside_the_old_one_for_a_while(
    services: ControlServices, operator: Api, hook: Receiver, delivering: Delivering
) -> None:
    webhook = await make_webhook(operator, hook, "key.*")
    fresh = await operator.data("POST", f"{WEBHOOKS}/{webhook['id']}/rotate-secret", {"overlap_hours": 1})
    await make_key(operator)
    await delivering.turn()
    hook.got[0].verified(webhook["secret"])
    hook.got[0].verified(fresh["secret"])
    async with services.database.write() as session:
        await session.execute(update(WebhookEndpoint).values(old_until_ms=now_ms() - 1))
    await make_key(operator)
    await delivering.turn()
    hook.got[1].verified(fresh["secret"])
    with pytest.raises(WebhookVerificationError):
        hook.got[1].verified(webhook["secret"])


async def test_a_secret_is_shown_once_and_never_written_in_clear(
    services: ControlServices, operator: Api, hook: Receiver
) -> None:
    webhook = await make_webhook(operator, hook)
    shown = await operator.get(f"{WEBHOOKS}/{webhook['id']}")
    entries = await operator.get("/api/v1/audit")
    for text in (shown.text, entries.text):
        assert webhook["secret"] not in text
    assert hook.url not in entries.text  # an address may hold a secret of its own
    async with services.database.read() as session:
        row = (await session.scalars(select(WebhookEndpoint))).one()
    assert webhook["secret"] not in row.sealed_secret


async def test_a_test_goes_to_one_webhook_alone(operator: Api, hook: Receiver, delivering: Delivering) -> None:
    webhook = await make_webhook(operator, hook, "budget.alert")
    await make_webhook(operator, hook)
    sent = await operator.data("POST", f"{WEBHOOKS}/{webhook['id']}/test")
    await delivering.turn()
    (got,) = hook.got
    assert (got.verified(webhook["secret"])["type"], got.headers["webhook-id"]) == ("webhook.test", sent["event_id"])


async def test_two_processes_send_each_delivery_once(
    services: ControlServices, operator: Api, hook: Receiver, delivering: Delivering
) -> None:
    await make_webhook(operator, hook, "key.*")
    for _ in range(12):
        await make_key(operator)
    other = Delivering(services, "b" * 32)
    await asyncio.gather(delivering.dispatcher.hand_out(), other.dispatcher.hand_out())
    await asyncio.gather(delivering.turn(), other.turn())
    assert len(hook.got) == 12
    assert len({got.headers["webhook-id"] for got in hook.got}) == 12


async def test_what_a_dead_process_had_claimed_is_sent_by_the_next(
    services: ControlServices, operator: Api, hook: Receiver
) -> None:
    await make_webhook(operator, hook, "key.*")
    await make_key(operator)
    first, second, successor = (Delivering(services, name * 32) for name in "aba")
    hook.delay_s = 0.3
    await first.dispatcher.hand_out()
    assert await first.worker.begin_due() == 1
    while not hook.got:
        await asyncio.sleep(0.01)
    for task in list(first.worker._running):  # pyright: ignore[reportPrivateUsage] - as if killed: sent, not marked
        task.cancel()
    await first.worker.stop()
    hook.delay_s = 0.0
    assert await second.turn() == 0  # another machine waits until the claim is over
    await successor.worker.start()
    async with asyncio.timeout(5):
        while len(hook.got) < 2:
            await asyncio.sleep(0.01)
    await successor.worker.finish()
    await successor.worker.stop()
    assert len({got.headers["webhook-id"] for got in hook.got}) == 1


# ---- addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "https://user:pw@example.com/", "ftp://example.com/", "https://", "https://127.1/",
        "https://0x7f.0.0.1/", "https://2130706433/", "https://example.com/#x", "https://exa mple.com/",
        "https://10.0.0.7/", "https://169.254.169.254/", "https://100.64.0.1/", "https://[::ffff:10.0.0.7]/",
        "https://[64:ff9b::a00:7]/", "https://[2002:a00:7::]/", "https://[fe80::1]/", "https://192.168.1.1:8443/x",
    ],
)  # fmt: skip
async def test_addresses_that_may_not_be_told_are_refused_when_written_down(
    embedded: ControlServices, url: str
) -> None:
    async with api(embedded) as operator:
        answer = await operator.post(WEBHOOKS, {"url": url})
    assert answer.status_code in (400, 403), answer.text


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "::1", "10.0.0.7", "169.254.10.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
        "2002:7f00:1::", "64:ff9b::7f00:1", "::ffff:127.0.0.1", "0.0.0.0", "fe80::1", "fd00::1", "192.168.7.7",
    ],
)  # fmt: skip
async def test_a_name_that_leads_to_such_an_address_is_refused_at_the_connection(
    sqlite_settings: Any, hook: Receiver, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """What the name resolved to when it was written down does not matter: DNS may say another thing each time."""

    async def resolve(host: str, port: int) -> list[str]:
        return [address]

    monkeypatch.setattr("turnpike.control.outbound._resolve", resolve)
    changed = sqlite_settings.model_copy(update={"allow_insecure_http_callbacks": True})
    async with running_control(changed) as services, api(services) as operator:
        body = {"url": f"http://rebinding.example.com:{hook.port}/", "event_types": ["key.*"]}
        webhook = await operator.data("POST", WEBHOOKS, body)
        await make_key(operator)
        await Delivering(services).turn()
        (shown,) = await operator.data("GET", f"{WEBHOOKS}/{webhook['id']}/deliveries")
    assert hook.got == []
    assert "address policy" in shown["last_error"]


async def test_the_address_that_was_judged_is_the_one_connected_to(
    sqlite_settings: Any, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second answer of DNS has no say: the name is asked once for each connection."""
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def resolve(host: str, port: int) -> list[str]:
        return answers.pop(0)

    monkeypatch.setattr("turnpike.control.outbound._resolve", resolve)
    changed = allowing(sqlite_settings, allow_insecure_http_callbacks=True)
    async with running_control(changed) as services, api(services) as operator:
        await operator.data(
            "POST", WEBHOOKS, {"url": f"http://once.example.com:{hook.port}/", "event_types": ["key.*"]}
        )
        await make_key(operator)
        await Delivering(services).turn()
    assert len(hook.got) == 1
    assert answers == [["10.0.0.1"]]


# ---- what is wrong in a request


async def test_wrong_wishes_are_refused(embedded: ControlServices, hook: Receiver) -> None:
    async with api(embedded) as operator:
        for body in (
            {"url": hook.url, "event_types": ["key.made"]},
            {"url": hook.url, "event_types": []},
            {"url": hook.url, "sealed_secret": "mine"},
            {"url": hook.url, "department_id": "01980000-0000-7000-8000-000000000000"},
        ):
            answer = await operator.post(WEBHOOKS, body)
            assert answer.status_code == 400, answer.text
        missing = "01980000-0000-7000-8000-000000000000"
        assert (await operator.get(f"{WEBHOOKS}/{missing}")).status_code == 404
        assert (await operator.post(f"{WEBHOOKS}/deliveries/{missing}/replay")).status_code == 404
        webhook = await make_webhook(operator, hook)
        assert (await operator.delete(f"{WEBHOOKS}/{webhook['id']}")).status_code == 200
        assert await operator.data("GET", WEBHOOKS) == []


async def test_only_administrators_may(embedded: ControlServices, hook: Receiver) -> None:
    async with api(embedded) as operator:
        user = await make_user(operator)
        key = (await make_key(operator, user_id=user))["key"]
    async with api(embedded, key) as caller:
        assert (await caller.get(WEBHOOKS)).status_code == 403
        assert (await caller.post(WEBHOOKS, {"url": hook.url})).status_code == 403
        assert (await caller.get(f"{WEBHOOKS}/event-types")).status_code == 200
