"""Bodies and answers of /api/v1/budgets."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from turnpike.contract.periods import ROLLING, zone_of
from turnpike.control.web.envelope import Moment
from turnpike.control.web.fields import NO_CONTROL, VOLATILE, Body, View, refuse_null

KINDS = ("key", "user", "department", "credential", "provider", "model", "tag", "gateway")
Kind = Literal["key", "user", "department", "credential", "provider", "model", "tag", "gateway"]
Period = Literal["day", "week", "month", "total", "rolling"]
Usd = Annotated[Decimal, Field(ge=0, le=100_000_000, decimal_places=9)]
Percent = Annotated[int, Field(ge=1, le=1000)]
Subject = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255, pattern=NO_CONTROL)]
DEFAULT_ALERTS = [80, 100]
MAX_HOURS = 24 * 366


def _zone(name: str) -> str:
    zone_of(name)
    return name


Zone = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_CONTROL), AfterValidator(_zone)]
Alerts = Annotated[list[Percent], Field(max_length=20), AfterValidator(lambda each: sorted(set(each)))]


class BudgetBody(Body):
    kind: Kind
    subject: Subject = Field(
        default="",
        description="The id of the key, user, department or credential; a provider's slug; a model's name, `*` as "
        "wildcard; the tag itself. None for the gateway.",
    )
    amount_usd: Usd
    period: Period
    time_zone: Zone = Field(default="UTC", description="Where days, weeks and months begin; an IANA name.")
    rolling_hours: int | None = Field(default=None, ge=1, le=MAX_HOURS, description="Of a rolling budget.")
    hard: bool = Field(default=True, description="False: it refuses nothing and only raises alerts.")
    alerts: Alerts = Field(default=DEFAULT_ALERTS, description="Percentages of the amount.")
    flat_usd: Usd | None = Field(
        default=None,
        description="What a call counts for that has no price or no bound; without it a hard budget refuses it.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.rolling_hours is not None) != (self.period == ROLLING):
            raise ValueError("rolling_hours belongs to the period rolling, and to no other")
        if bool(self.subject) == (self.kind == "gateway"):
            raise ValueError("subject names whom or what the budget is for; the gateway's has none")
        return self


class BudgetPatch(Body):
    """Whom it is for and its period stay: another budget is made for another."""

    amount_usd: Usd | None = None
    hard: bool | None = None
    alerts: Alerts | None = None
    flat_usd: Usd | None = None
    is_active: bool | None = None

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "flat_usd")
        return self


class WriteOffBody(Body):
    holder: str | None = Field(
        default=None, max_length=80, description="As the budget shows it; without it all that were not heard of."
    )
    unseen_minutes: int = Field(
        default=10, ge=1, le=10**6, description="Without a holder: those that were not heard of for so long."
    )


class BudgetView(View):
    id: str
    kind: str
    subject: str
    subject_name: str | None
    amount_usd: str
    period: str
    time_zone: str
    rolling_hours: int | None
    hard: bool
    alerts: list[int]
    flat_usd: str | None
    is_active: bool
    follows: str | None = Field(description="`monthly_limit`: made of a person's own setting at a provider.")
    created_at: Moment
    updated_at: Moment
    period_start: Moment | None = Field(
        description="Of the period now; null for one without a beginning.", json_schema_extra=VOLATILE
    )
    period_end: Moment | None = Field(json_schema_extra=VOLATILE)
    spent_usd: str = Field(description="In the ledger.", json_schema_extra=VOLATILE)
    reserved_usd: str = Field(
        description="Lent to relays for calls, and not in the ledger yet.", json_schema_extra=VOLATILE
    )
    remaining_usd: str = Field(description="Neither spent nor reserved.", json_schema_extra=VOLATILE)
    forecast_usd: str | None = Field(
        description="At the end of the period, if it goes on like this.", json_schema_extra=VOLATILE
    )


class HolderView(View):
    holder: str
    period_start: Moment
    lent_usd: str
    settled_usd: str
    here: bool = Field(description="A relay of this machine: taken back by itself once it has ended.")
    seen_at: Moment


class BudgetDetail(BudgetView):
    holders: list[HolderView] = Field(json_schema_extra=VOLATILE)


class PeriodView(View):
    start: Moment
    end: Moment | None
    spent_usd: str


class AlertView(View):
    budget_id: str
    period_start: Moment
    percent: int
    spent_usd: str
    amount_usd: str
    raised_at: Moment


class WrittenOffView(View):
    holders: list[str]
    written_off_usd: str
