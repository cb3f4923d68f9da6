"""/api/v1/alerts: for the admin scope."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from turnpike.control.domains.alerts.kinds import Kind
from turnpike.control.domains.alerts.repository import RecordFilter
from turnpike.control.domains.alerts.schemas import (
    AlertRuleBody,
    AlertRulePatch,
    AlertRuleView,
    RecordView,
    SilenceBody,
    SilenceView,
    StateView,
    TargetBody,
    TargetPatch,
    TargetView,
    view_record,
    view_rule,
    view_silence,
    view_state,
    view_target,
)
from turnpike.control.domains.alerts.service import AlertService
from turnpike.control.domains.webhooks.schemas import SentView
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import NO_CONTROL, UUID
from turnpike.control.web.params import Paged, PathId, Sort
from turnpike.control.web.principal import May, Principal, Services

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_ALERTS))]


def _service(control: Services) -> AlertService:
    return AlertService(control.settings, control.sealer, control.mailer)


Alerts = Annotated[AlertService, Depends(_service)]


@router.get("")
async def list_alerts(
    _: Manager,
    alerts: Alerts,
    session: Reading,
    page: Paged,
    state: Literal["pending", "firing"] | None = None,
    sort: Sort = None,
) -> Envelope[list[StateView]]:
    """What is pending or firing now, the newest first unless sorted by since, state or subject."""
    rows, total = await alerts.states(session, state, sort, page)
    return page_of([view_state(*row) for row in rows], page, total)


def _wanted(
    rule_id: Annotated[str | None, Query(pattern=UUID)] = None,
    state: Literal["pending", "firing", "resolved"] | None = None,
    subject: Annotated[str | None, Query(max_length=255, pattern=NO_CONTROL)] = None,
    since: AwareDatetime | None = None,
) -> RecordFilter:
    since_ms = None if since is None else int(since.timestamp() * 1000)
    return RecordFilter(rule_id.lower() if rule_id else None, state, subject, since_ms)


@router.get("/history")
async def list_history(
    _: Manager,
    alerts: Alerts,
    session: Reading,
    page: Paged,
    wanted: Annotated[RecordFilter, Depends(_wanted)],
    sort: Sort = None,
) -> Envelope[list[RecordView]]:
    """Each change of a state, the newest first unless sorted by at, rule or subject."""
    rows, total = await alerts.history(session, wanted, sort, page)
    return page_of([view_record(row) for row in rows], page, total)


# ---- rules


@router.get("/rules")
async def list_rules(
    _: Manager, alerts: Alerts, session: Reading, page: Paged, kind: Kind | None = None, sort: Sort = None
) -> Envelope[list[AlertRuleView]]:
    rows, total = await alerts.rules(session, kind, sort, page)
    return page_of([view_rule(row) for row in rows], page, total)


@router.post("/rules", status_code=201)
async def create_rule(_: Manager, alerts: Alerts, session: Writing, body: AlertRuleBody) -> Envelope[AlertRuleView]:
    return ok(view_rule(await alerts.create_rule(session, body.model_dump())))


@router.get("/rules/{rule_id}")
async def get_rule(_: Manager, alerts: Alerts, session: Reading, rule_id: PathId) -> Envelope[AlertRuleView]:
    return ok(view_rule(await alerts.rule(session, rule_id.lower())))


@router.patch("/rules/{rule_id}")
async def change_rule(
    _: Manager, alerts: Alerts, session: Writing, rule_id: PathId, body: AlertRulePatch
) -> Envelope[AlertRuleView]:
    """Kind and scope stay what they are: make another rule."""
    return ok(view_rule(await alerts.change_rule(session, rule_id.lower(), body.given())))


@router.delete("/rules/{rule_id}")
async def delete_rule(_: Manager, alerts: Alerts, session: Writing, rule_id: PathId) -> Envelope[AlertRuleView]:
    """What fires is resolved; the history stays."""
    return ok(view_rule(await alerts.delete_rule(session, rule_id.lower())), "The alert rule is deleted.")


# ---- targets


@router.get("/targets")
async def list_targets(
    _: Manager, alerts: Alerts, session: Reading, page: Paged, sort: Sort = None
) -> Envelope[list[TargetView]]:
    rows, total = await alerts.targets(session, sort, page)
    return page_of([view_target(row) for row in rows], page, total)


@router.post("/targets", status_code=201)
async def create_target(_: Manager, alerts: Alerts, session: Writing, body: TargetBody) -> Envelope[TargetView]:
    return ok(view_target(await alerts.create_target(session, body.model_dump())))


@router.get("/targets/{target_id}")
async def get_target(_: Manager, alerts: Alerts, session: Reading, target_id: PathId) -> Envelope[TargetView]:
    return ok(view_target(await alerts.target(session, target_id.lower())))


@router.patch("/targets/{target_id}")
async def change_target(
    _: Manager, alerts: Alerts, session: Writing, target_id: PathId, body: TargetPatch
) -> Envelope[TargetView]:
    return ok(view_target(await alerts.change_target(session, target_id.lower(), body.given())))


@router.delete("/targets/{target_id}")
async def delete_target(_: Manager, alerts: Alerts, session: Writing, target_id: PathId) -> Envelope[TargetView]:
    return ok(view_target(await alerts.delete_target(session, target_id.lower())), "The alert target is deleted.")


@router.post("/targets/{target_id}/test", status_code=202)
async def test_target(_: Manager, alerts: Alerts, session: Writing, target_id: PathId) -> Envelope[SentView]:
    """Sends a test to it alone; /api/v1/webhooks/deliveries shows what became of it."""
    return ok(SentView(event_id=(await alerts.ping(session, target_id.lower())).id))


# ---- silences


@router.get("/silences")
async def list_silences(
    _: Manager, alerts: Alerts, session: Reading, page: Paged, over: bool = False, sort: Sort = None
) -> Envelope[list[SilenceView]]:
    """Those in force; with `over` the others too."""
    rows, total = await alerts.silences(session, sort, page, over=over)
    return page_of([view_silence(row) for row in rows], page, total)


@router.post("/silences", status_code=201)
async def create_silence(actor: Manager, alerts: Alerts, session: Writing, body: SilenceBody) -> Envelope[SilenceView]:
    """Alerts that fit are not told until it ends; the history still has them."""
    values = body.model_dump(exclude={"until"})
    return ok(view_silence(await alerts.silence(session, actor, values, body.until)))


@router.delete("/silences/{silence_id}")
async def end_silence(_: Manager, alerts: Alerts, session: Writing, silence_id: PathId) -> Envelope[SilenceView]:
    """Ends it now."""
    return ok(view_silence(await alerts.end_silence(session, silence_id.lower())), "The silence is over.")
