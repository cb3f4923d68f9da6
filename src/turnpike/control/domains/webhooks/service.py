"""What may be done with webhooks and with what was sent to them."""

from collections.abc import Sequence
from typing import Any

from turnpike.control.db.models import DeliveryAttempt, EventRow, WebhookEndpoint
from turnpike.control.db.models.events import PENDING
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.delivery import signing, store
from turnpike.control.delivery.addresses import check_url
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.webhooks import repository
from turnpike.control.domains.webhooks.repository import DeliveryFilter, EndpointFilter, ShownDelivery
from turnpike.control.events import outbox
from turnpike.control.infra.secrets import Sealer
from turnpike.control.rights.policy import everything
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, NotFound
from turnpike.kit.clock import now_ms
from turnpike.kit.pagination import Page, parse_sort
from turnpike.settings import Settings

HOUR_MS = 3_600_000
_ALL = everything("whoever manages these manages all")


class WebhookService:
    """Stateless but for what it was given; sessions come with each call."""

    def __init__(self, settings: Settings, sealer: Sealer) -> None:
        self._settings = settings
        self._sealer = sealer

    async def find(
        self, session: ReadSession, wanted: EndpointFilter, sort: str | None, page: Page
    ) -> tuple[Sequence[WebhookEndpoint], int]:
        orders = parse_sort(sort, repository.ORDER, "-created_at")
        return await repository.endpoints(session, wanted, orders, page)

    async def get(self, session: ReadSession, endpoint_id: str) -> WebhookEndpoint:
        """Raises NotFound."""
        row = await repository.endpoint(session, endpoint_id)
        if row is None:
            raise NotFound(f"There is no webhook {endpoint_id}.")
        return row

    async def create(
        self, session: WriteSession, actor: Principal, values: dict[str, Any]
    ) -> tuple[WebhookEndpoint, str]:
        """Returns the row and the secret. Raises InvalidRequest or AddressForbidden."""
        values["url"] = check_url(values["url"], self._settings)
        await identity.check_department(session, _ALL, values.get("department_id"))
        secret = signing.new_secret()
        row = WebhookEndpoint(sealed_secret=self._sealer.seal(secret), created_by=actor.user_id, **values)
        session.add(row)
        await session.flush()
        return row, secret

    async def change(self, session: WriteSession, endpoint_id: str, values: dict[str, Any]) -> WebhookEndpoint:
        """Raises NotFound, InvalidRequest or AddressForbidden."""
        row = await self.get(session, endpoint_id)
        if "url" in values:
            values["url"] = check_url(values["url"], self._settings)
        await identity.check_department(session, _ALL, values.get("department_id"))
        for name, value in values.items():
            setattr(row, name, value)
        if values.get("is_active"):
            row.disabled_because = row.failing_since_ms = None
        if values.get("is_active") is False:
            await store.bury(session, row.id, "The endpoint was switched off.")
        await session.flush()
        return row

    async def delete(self, session: WriteSession, endpoint_id: str) -> WebhookEndpoint:
        """With the history of its deliveries. Raises NotFound, or Conflict while an alert target needs it."""
        row = await self.get(session, endpoint_id)
        target = await repository.target_of(session, row.id)
        if target is not None:
            raise Conflict(f"The alert target {target.name!r} tells this webhook; delete that one first.")
        await store.forget(session, row.id)
        await session.delete(row)
        await session.flush()
        return row

    async def rotate(
        self, session: WriteSession, endpoint_id: str, overlap_hours: float
    ) -> tuple[WebhookEndpoint, str]:
        """Returns the row and the new secret; the old one signs beside it until the overlap is over. Raises
        NotFound."""
        row = await self.get(session, endpoint_id)
        secret = signing.new_secret()
        overlap_ms = int(overlap_hours * HOUR_MS)
        row.sealed_old_secret = row.sealed_secret if overlap_ms else None
        row.old_until_ms = now_ms() + overlap_ms if overlap_ms else None
        row.sealed_secret = self._sealer.seal(secret)
        await session.flush()
        return row, secret

    async def ping(self, session: WriteSession, endpoint_id: str) -> EventRow:
        """Sends a test to it alone. Raises NotFound, or Conflict for one that is switched off."""
        return await outbox.ping(session, await self.get(session, endpoint_id), "webhook")

    # ---- deliveries

    async def deliveries(
        self, session: ReadSession, wanted: DeliveryFilter, sort: str | None, page: Page
    ) -> tuple[list[ShownDelivery], int]:
        orders = parse_sort(sort, repository.DELIVERY_ORDER, "-created_at")
        return await repository.deliveries(session, wanted, orders, page)

    async def delivery(
        self, session: ReadSession, delivery_id: str
    ) -> tuple[ShownDelivery, EventRow, Sequence[DeliveryAttempt]]:
        """Raises NotFound."""
        shown = await repository.delivery(session, delivery_id)
        if shown is None:
            raise NotFound(f"There is no delivery {delivery_id}.")
        event = await repository.event_of(session, shown.row)
        return shown, event, await repository.attempts(session, delivery_id)

    async def replay(self, session: WriteSession, delivery_id: str) -> ShownDelivery:
        """Sends it again, under the same id, whatever became of it. Raises NotFound, or Conflict while it is on its
        way."""
        shown = await repository.delivery(session, delivery_id)
        if shown is None:
            raise NotFound(f"There is no delivery {delivery_id}.")
        if shown.row.status == PENDING:
            raise Conflict("This delivery is on its way.")
        await repository.send_again(session, delivery_id)
        session.emitted = True
        await session.refresh(shown.row)
        return shown

    async def replay_dead(self, session: WriteSession, endpoint_id: str, since_ms: int) -> int:
        """Sends an endpoint's dead letters again. Raises NotFound, or Conflict for one that is switched off."""
        row = await self.get(session, endpoint_id)
        if not row.is_active:
            raise Conflict("This webhook is switched off; switch it on first.")
        session.emitted = True
        return await repository.send_dead_again(session, row.id, since_ms)
