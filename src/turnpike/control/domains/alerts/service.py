"""What may be done with alert rules, targets and silences."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from turnpike.control.db.models import AlertRecord, AlertRule, AlertSilence, AlertState, AlertTarget, EventRow
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.delivery import store
from turnpike.control.delivery.addresses import check_url
from turnpike.control.domains.alerts import repository
from turnpike.control.domains.alerts.kinds import EACH, GATEWAY, Kind
from turnpike.control.domains.alerts.repository import RecordFilter
from turnpike.control.domains.alerts.schemas import DAY_S, HOUR_S
from turnpike.control.domains.alerts.states import States
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.webhooks.service import WebhookService
from turnpike.control.events import outbox
from turnpike.control.infra.mail import Mailer
from turnpike.control.infra.secrets import Sealer
from turnpike.control.rights.policy import everything
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, InvalidRequest, NotFound
from turnpike.kit.clock import now_ms
from turnpike.kit.pagination import Page, parse_sort
from turnpike.settings import Settings

_ALL = everything("whoever manages these manages all")


class AlertService:
    """Stateless but for what it was given; sessions come with each call."""

    def __init__(self, settings: Settings, sealer: Sealer, mailer: Mailer) -> None:
        self._settings = settings
        self._sealer = sealer
        self._mailer = mailer

    # ---- rules

    async def rules(
        self, session: ReadSession, kind: str | None, sort: str | None, page: Page
    ) -> tuple[Sequence[AlertRule], int]:
        return await repository.rules(session, kind, parse_sort(sort, repository.RULE_ORDER, "name"), page)

    async def rule(self, session: ReadSession, rule_id: str) -> AlertRule:
        """Raises NotFound."""
        row = await repository.rule(session, rule_id)
        if row is None:
            raise NotFound(f"There is no alert rule {rule_id}.")
        return row

    async def create_rule(self, session: WriteSession, values: dict[str, Any]) -> AlertRule:
        """Raises Conflict for a name that is taken, InvalidRequest for a target or department that is not there."""
        values = _columns(values)
        await self._check_rule(session, None, values)
        row = AlertRule(**values)
        session.add(row)
        await session.flush()
        return row

    async def change_rule(self, session: WriteSession, rule_id: str, values: dict[str, Any]) -> AlertRule:
        """What fires under another subject or a rule that is switched off is resolved. Raises as `create_rule`, and
        NotFound."""
        row = await self.rule(session, rule_id)
        values = _columns(values)
        await self._check_rule(session, row.id, values)
        _check_fit(row, values)
        if values.get("is_active") is False or values.get("subject", row.subject) != row.subject:
            await self._end(session, row, "The rule was changed.")
        for name, value in values.items():
            setattr(row, name, value)
        await session.flush()
        return row

    async def delete_rule(self, session: WriteSession, rule_id: str) -> AlertRule:
        """Its history stays. Raises NotFound."""
        row = await self.rule(session, rule_id)
        await self._end(session, row, "The rule was deleted.")
        await session.delete(row)
        await session.flush()
        return row

    async def _end(self, session: WriteSession, row: AlertRule, because: str) -> None:
        await States(session, row, [], now_ms()).end(because)

    async def _check_rule(self, session: ReadSession, own_id: str | None, values: dict[str, Any]) -> None:
        if "name" in values:
            other = await repository.rule_named(session, values["name"])
            if other is not None and other.id != own_id:
                raise Conflict(f"There is an alert rule {values['name']!r} already.", details={"param": "name"})
        wished = values.get("targets") or []
        missing = set(wished) - await repository.known_targets(session, wished)
        if missing:
            raise InvalidRequest(f"There is no alert target {min(missing)}.", details={"param": "targets"})
        await identity.check_department(session, _ALL, values.get("department_id"))

    # ---- targets

    async def targets(self, session: ReadSession, sort: str | None, page: Page) -> tuple[Sequence[AlertTarget], int]:
        return await repository.targets(session, parse_sort(sort, repository.TARGET_ORDER, "name"), page)

    async def target(self, session: ReadSession, target_id: str) -> AlertTarget:
        """Raises NotFound."""
        row = await repository.target(session, target_id)
        if row is None:
            raise NotFound(f"There is no alert target {target_id}.")
        return row

    async def create_target(self, session: WriteSession, values: dict[str, Any]) -> AlertTarget:
        """Raises Conflict (the name is taken, or no mail server is set), InvalidRequest or AddressForbidden."""
        await self._check_target(session, None, values)
        if values["kind"] == "email" and not self._mailer.configured:
            raise Conflict("No mail server is set: TURNPIKE_SMTP_HOST and what goes with it.")
        endpoint_id = values.pop("webhook_id")
        if endpoint_id is not None:
            await self._check_webhook(session, endpoint_id)
        row = AlertTarget(endpoint_id=endpoint_id, **self._sealed(values))
        session.add(row)
        await session.flush()
        return row

    async def change_target(self, session: WriteSession, target_id: str, values: dict[str, Any]) -> AlertTarget:
        """Raises NotFound, Conflict, InvalidRequest or AddressForbidden."""
        row = await self.target(session, target_id)
        for name, kind in (("addresses", "email"), ("url", "slack")):
            if name in values and row.kind != kind:
                raise InvalidRequest(f"{name}: a target of the kind {row.kind} has none.", details={"param": name})
        await self._check_target(session, row.id, values)
        for name, value in self._sealed(values).items():
            setattr(row, name, value)
        await session.flush()
        return row

    async def delete_target(self, session: WriteSession, target_id: str) -> AlertTarget:
        """Raises NotFound, or Conflict while a rule tells it."""
        row = await self.target(session, target_id)
        telling = await repository.rules_telling(session, row.id)
        if telling:
            raise Conflict(f"These rules tell it: {', '.join(telling)}. Take it from them first.")
        await store.forget(session, row.id)
        await session.delete(row)
        await session.flush()
        return row

    async def ping(self, session: WriteSession, target_id: str) -> EventRow:
        """Sends a test to it alone. Raises NotFound, or Conflict for one that is switched off."""
        return await outbox.ping(session, await self.target(session, target_id), "alert target")

    def _sealed(self, values: dict[str, Any]) -> dict[str, Any]:
        url = values.pop("url", None)
        if url is not None:
            values["sealed_url"] = self._sealer.seal(check_url(url, self._settings))
        return values

    async def _check_target(self, session: ReadSession, own_id: str | None, values: dict[str, Any]) -> None:
        if "name" in values:
            other = await repository.target_named(session, values["name"])
            if other is not None and other.id != own_id:
                raise Conflict(f"There is an alert target {values['name']!r} already.", details={"param": "name"})
        await identity.check_department(session, _ALL, values.get("department_id"))

    async def _check_webhook(self, session: ReadSession, endpoint_id: str) -> None:
        try:
            await WebhookService(self._settings, self._sealer).get(session, endpoint_id)
        except NotFound as error:
            raise InvalidRequest(error.message, details={"param": "webhook_id"}) from error

    # ---- silences

    async def silences(
        self, session: ReadSession, sort: str | None, page: Page, *, over: bool
    ) -> tuple[Sequence[AlertSilence], int]:
        orders = parse_sort(sort, repository.SILENCE_ORDER, "until")
        return await repository.silences(session, orders, page, over=over)

    async def silence(
        self, session: WriteSession, actor: Principal, values: dict[str, Any], until: datetime
    ) -> AlertSilence:
        """Raises InvalidRequest."""
        until_ms = int(until.timestamp() * 1000)
        if until_ms <= now_ms():
            raise InvalidRequest("until lies in the past.", details={"param": "until"})
        row = AlertSilence(until_ms=until_ms, created_by=actor.user_id, **values)
        session.add(row)
        await session.flush()
        return row

    async def end_silence(self, session: WriteSession, silence_id: str) -> AlertSilence:
        """What still fires is told at the next look. Raises NotFound."""
        row = await repository.silence(session, silence_id)
        if row is None:
            raise NotFound(f"There is no silence {silence_id}.")
        row.until_ms = min(row.until_ms, now_ms())
        await session.flush()
        return row

    # ---- what became of them

    async def states(
        self, session: ReadSession, state: str | None, sort: str | None, page: Page
    ) -> tuple[list[tuple[AlertState, AlertRule]], int]:
        return await repository.states(session, state, parse_sort(sort, repository.STATE_ORDER, "-since"), page)

    async def history(
        self, session: ReadSession, wanted: RecordFilter, sort: str | None, page: Page
    ) -> tuple[Sequence[AlertRecord], int]:
        return await repository.history(session, wanted, parse_sort(sort, repository.RECORD_ORDER, "-at"), page)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    if "window_minutes" in values:
        values["window_s"] = values.pop("window_minutes") * 60
    if "repeat_hours" in values:
        values["repeat_s"] = values.pop("repeat_hours") * HOUR_S
    if "options" in values and not isinstance(values["options"], dict):
        values["options"] = values["options"].model_dump()
    if "kind" in values:
        values["kind"] = str(values["kind"])
    return values


def _check_fit(row: AlertRule, values: dict[str, Any]) -> None:
    """A change as a new rule would be judged."""
    subject = values.get("subject", row.subject)
    if (row.scope == GATEWAY) != (subject == ""):
        raise InvalidRequest(f"subject: the gateway has none, every other scope needs one (or `{EACH}`).")
    if row.kind == Kind.SPEND_ANOMALY:
        values.pop("window_s", None)
    if row.kind == Kind.ERROR_RATE and values.get("threshold", 0) > 100:
        raise InvalidRequest("threshold: an error rate is a percentage, 100 at most.")
    if row.kind in (Kind.ERROR_RATE, Kind.LATENCY) and values.get("window_s", 0) > DAY_S:
        raise InvalidRequest("window_minutes: error_rate and latency look back a day at most (1440).")
