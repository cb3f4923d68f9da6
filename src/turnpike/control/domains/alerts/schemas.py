"""Bodies and answers of /api/v1/alerts."""

from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from turnpike.control.db.models import AlertRecord, AlertRule, AlertSilence, AlertState, AlertTarget
from turnpike.control.domains.alerts.kinds import EACH, GATEWAY, Kind
from turnpike.control.web.envelope import Moment, moment, moment_or_none
from turnpike.control.web.fields import NO_CONTROL, Body, Name, Text, UserId, View, refuse_null
from turnpike.kit.clock import now_ms

Scope = Literal["gateway", "department", "user", "key", "model", "provider"]
Severity = Literal["info", "warning", "critical"]
Subject = Annotated[str, StringConstraints(max_length=255, pattern=NO_CONTROL)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_CONTROL)]
Address = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s,;<>\x00-\x1f]+@[^@\s,;<>\x00-\x1f]+$")]
HOUR_S, DAY_S = 3600, 86_400
MOST_WINDOW_S = 31 * DAY_S


class RuleOptions(Body):
    """What only some kinds of rules have."""

    min_requests: int = Field(
        default=20, ge=1, le=1_000_000, description="error_rate, latency: fewer calls in the window say nothing."
    )
    percentile: float = Field(default=95.0, gt=0, le=100, description="latency: which percentile.")
    measure: Literal["total", "first_byte"] = Field(default="total", description="latency: of what.")
    baseline_hours: int = Field(
        default=168, ge=24, le=1440, description="spend_anomaly: how many hours tell what is usual."
    )
    min_usd: float = Field(
        default=1.0, ge=0, description="spend_anomaly: less above what is usual is no anomaly, in dollars."
    )


class AlertRuleBody(Body):
    name: Name
    kind: Kind
    scope: Scope = Field(default="gateway", description="What it looks at; provider_health always at providers.")
    subject: Subject = Field(
        default="", description="Which: an id, a model's name, a provider's slug, `*` for each by itself."
    )
    window_minutes: int = Field(
        default=60, ge=1, le=MOST_WINDOW_S // 60, description="spend, error_rate, latency: how far back it looks."
    )
    threshold: float = Field(
        default=1.0, ge=0, le=1e12, description="Dollars, z-score, percent, or milliseconds; of no use to "
        "provider_health."
    )  # fmt: skip
    options: RuleOptions = Field(default_factory=RuleOptions)
    hold_s: int = Field(default=0, ge=0, le=DAY_S, description="How long it must be so before it fires.")
    resolve_s: int = Field(default=300, ge=0, le=DAY_S, description="How long it must be over before it is resolved.")
    repeat_hours: int = Field(default=0, ge=0, le=720, description="How often it is told again; 0: never.")
    severity: Severity = "warning"
    targets: list[UserId] = Field(default=[], max_length=20, description="Ids of alert targets.")
    department_id: UserId | None = Field(
        default=None, description="Whose administrators may see its alerts; targets of a department need it."
    )
    is_active: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind is Kind.PROVIDER_HEALTH:
            self.scope, self.subject = "provider", self.subject or EACH
        if self.kind is Kind.SPEND_ANOMALY:
            self.window_minutes = 60
        if (self.scope == GATEWAY) != (self.subject == ""):
            raise ValueError("subject: the gateway has none, every other scope needs one (or `*` for each)")
        if self.kind is Kind.ERROR_RATE and self.threshold > 100:
            raise ValueError("threshold: an error rate is a percentage, 100 at most")
        if self.kind in (Kind.ERROR_RATE, Kind.LATENCY) and self.window_minutes > DAY_S // 60:
            raise ValueError("window_minutes: error_rate and latency look back a day at most (1440)")
        return self


class AlertRulePatch(Body):
    name: Name | None = None
    subject: Subject | None = None
    window_minutes: int | None = Field(default=None, ge=1, le=MOST_WINDOW_S // 60)
    threshold: float | None = Field(default=None, ge=0, le=1e12)
    options: RuleOptions | None = None
    hold_s: int | None = Field(default=None, ge=0, le=DAY_S)
    resolve_s: int | None = Field(default=None, ge=0, le=DAY_S)
    repeat_hours: int | None = Field(default=None, ge=0, le=720)
    severity: Severity | None = None
    targets: list[UserId] | None = Field(default=None, max_length=20)
    department_id: UserId | None = None
    is_active: bool | None = None

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "department_id")
        return self


class AlertRuleView(View):
    id: str
    name: str
    kind: str
    scope: str
    subject: str
    window_minutes: int
    threshold: float
    options: dict[str, Any]
    hold_s: int
    resolve_s: int
    repeat_hours: int
    severity: str
    targets: list[str]
    department_id: str | None
    is_active: bool
    created_at: Moment
    updated_at: Moment


class TargetBody(Body):
    name: Name
    kind: Literal["webhook", "email", "slack"]
    webhook_id: UserId | None = Field(default=None, description="webhook: which; it is told whatever it asked for.")
    addresses: list[Address] | None = Field(default=None, min_length=1, max_length=50, description="email: to whom.")
    url: str | None = Field(
        default=None, max_length=2000, description="slack: the address of an incoming webhook; not shown again."
    )
    department_id: UserId | None = Field(default=None, description="Only alerts of this department; null: all.")
    budget_alerts: bool = Field(default=True, description="Percentages of budgets are told here too.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needed = {"webhook": "webhook_id", "email": "addresses", "slack": "url"}
        for kind, name in needed.items():
            if (getattr(self, name) is not None) != (kind == self.kind):
                raise ValueError(f"a target of the kind {self.kind} takes {needed[self.kind]}, and no other's field")
        return self


class TargetPatch(Body):
    name: Name | None = None
    addresses: list[Address] | None = Field(default=None, min_length=1, max_length=50)
    url: str | None = Field(default=None, max_length=2000)
    department_id: UserId | None = None
    budget_alerts: bool | None = None
    is_active: bool | None = None

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "department_id")
        return self


class TargetView(View):
    id: str
    name: str
    kind: str
    webhook_id: str | None
    addresses: list[str] | None
    department_id: str | None
    budget_alerts: bool
    is_active: bool
    created_at: Moment
    updated_at: Moment


class SilenceBody(Body):
    rule: Pattern = Field(
        default="*", description="Of rules' names, `*` as a wildcard; `budget` is the percentages of budgets."
    )
    subject: Subject = Field(default="*", description="Of subjects; a budget's is `department:<id>` and the like.")
    until: AwareDatetime
    reason: Text | None = Field(default=None, max_length=200)


class SilenceView(View):
    id: str
    rule: str
    subject: str
    until: Moment
    reason: str | None
    in_force: bool
    created_by: str | None
    created_at: Moment


class StateView(View):
    rule_id: str
    rule: str
    kind: str
    scope: str
    subject: str
    state: str = Field(description="pending or firing")
    severity: str
    value: float
    threshold: float
    message: str
    since: Moment
    fired_at: Moment | None
    told_at: Moment | None = Field(description="When its targets were last told; null: it is silenced, or pending.")
    seen_at: Moment


class RecordView(View):
    id: str
    rule_id: str
    rule: str
    kind: str
    subject: str
    state: str = Field(description="pending, firing or resolved")
    at: Moment
    value: float
    threshold: float
    message: str
    silence_id: str | None


def view_rule(row: AlertRule) -> AlertRuleView:
    return AlertRuleView(
        id=row.id,
        name=row.name,
        kind=row.kind,
        scope=row.scope,
        subject=row.subject,
        window_minutes=row.window_s // 60,
        threshold=row.threshold,
        options=row.options,
        hold_s=row.hold_s,
        resolve_s=row.resolve_s,
        repeat_hours=row.repeat_s // HOUR_S,
        severity=row.severity,
        targets=row.targets,
        department_id=row.department_id,
        is_active=row.is_active,
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )


def view_target(row: AlertTarget) -> TargetView:
    return TargetView(
        id=row.id,
        name=row.name,
        kind=row.kind,
        webhook_id=row.endpoint_id,
        addresses=row.addresses,
        department_id=row.department_id,
        budget_alerts=row.budget_alerts,
        is_active=row.is_active,
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )


def view_silence(row: AlertSilence) -> SilenceView:
    return SilenceView(
        id=row.id,
        rule=row.rule,
        subject=row.subject,
        until=moment(row.until_ms),
        reason=row.reason,
        in_force=row.until_ms > now_ms(),
        created_by=row.created_by,
        created_at=moment(row.created_at_ms),
    )


def view_state(row: AlertState, rule: AlertRule) -> StateView:
    return StateView(
        rule_id=rule.id,
        rule=rule.name,
        kind=rule.kind,
        scope=rule.scope,
        subject=row.subject,
        state=row.state,
        severity=rule.severity,
        value=row.value,
        threshold=rule.threshold,
        message=row.message,
        since=moment(row.since_ms),
        fired_at=moment_or_none(row.fired_at_ms),
        told_at=moment_or_none(row.told_at_ms),
        seen_at=moment(row.seen_at_ms),
    )


def view_record(row: AlertRecord) -> RecordView:
    fields = ("id", "rule_id", "rule", "kind", "subject", "state", "value", "threshold", "message", "silence_id")
    return RecordView(at=moment(row.at_ms), **{name: getattr(row, name) for name in fields})
