"""What is written of what happens by itself, and how long it is kept."""

from typing import Any

from sqlalchemy import select, update

from tests.support.control import Api, make_key, make_user
from tests.support.receiving import Delivering, Receiver
from turnpike.control.db.models import ApiKey, Delivery, DeliveryAttempt, EventRow
from turnpike.control.services import ControlServices
from turnpike.control.tasks import PeriodicTasks
from turnpike.kit.clock import now_ms

DAY_MS = 86_400_000


async def events(services: ControlServices, kind: str) -> list[dict[str, Any]]:
    async with services.database.read() as session:
        rows = (await session.scalars(select(EventRow).where(EventRow.type == kind).order_by(EventRow.id))).all()
    return [row.data for row in rows]


async def test_a_keys_end_is_announced_once_and_again_when_it_is_another(
    services: ControlServices, operator: Api
) -> None:
    tasks = PeriodicTasks(services)
    soon, later = await make_key(operator, name="soon"), await make_key(operator, name="later")

    async def ends(key: dict[str, Any], in_days: float) -> None:
        async with services.database.write() as session:
            end = now_ms() + int(in_days * DAY_MS)
            await session.execute(update(ApiKey).where(ApiKey.id == key["id"]).values(expires_at_ms=end))

    await ends(soon, 6.5)
    await ends(later, 8)
    for _ in range(2):
        await tasks.announce_key_ends()
    assert [each["key_id"] for each in await events(services, "key.expiring")] == [soon["id"]]
    await ends(soon, 5)
    await tasks.announce_key_ends()
    assert len(await events(services, "key.expiring")) == 2


async def test_who_signs_in_is_told_and_whom_it_concerns(services: ControlServices, operator: Api) -> None:
    department = await operator.data("POST", "/api/v1/departments", {"name": "Research"})
    user = await make_user(operator, email="ada@example.com", department_id=department["id"])
    link = await operator.data("POST", "/api/v1/auth/links", {"user_id": user})
    body = {"token": link["path"].partition("#")[2], "password": "correct-Horse-battery-77-staple"}
    await operator.data("POST", "/api/v1/auth/links/use", body)
    async with services.database.read() as session:
        row = (await session.scalars(select(EventRow).where(EventRow.type == "user.signed_in"))).one()
    assert row.data == {"user_id": user, "method": "link"}
    assert (row.user_id, row.department_id) == (user, department["id"])


async def test_what_is_old_goes_with_its_deliveries_unless_it_is_on_its_way(
    services: ControlServices, operator: Api, hook: Receiver, delivering: Delivering
) -> None:
    await operator.data("POST", "/api/v1/webhooks", {"url": hook.url, "event_types": ["key.*"]})
    await make_key(operator, name="delivered")
    await delivering.turn()
    hook.status = 500
    await make_key(operator, name="on its way")
    await delivering.turn()
    await make_key(operator, name="new")
    await delivering.dispatcher.hand_out()
    async with services.database.write() as session:
        long_ago = now_ms() - 31 * DAY_MS
        new = select(EventRow.id).order_by(EventRow.id.desc()).limit(1).scalar_subquery()
        await session.execute(update(EventRow).where(EventRow.id != new).values(at_ms=long_ago))
    await PeriodicTasks(services).forget_old_events()
    assert [each["name"] for each in await events(services, "key.created")] == ["on its way", "new"]
    async with services.database.read() as session:
        assert len((await session.scalars(select(Delivery))).all()) == 2
        assert len((await session.scalars(select(DeliveryAttempt))).all()) == 1
