"""Questions and answers of /api/v1/ledger. docs/ledger.md says what each field means."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from turnpike.contract.events import Outcome, UsageSource
from turnpike.control.db.models.ledger import NAME
from turnpike.control.web.envelope import Meta, Moment
from turnpike.control.web.fields import UUID, View
from turnpike.kit.pagination import DEFAULT_PER_PAGE, MAX_PAGE, MAX_PER_PAGE, Page

OUTCOMES: dict[str, int] = {outcome.name.lower(): outcome.value for outcome in Outcome}
OUTCOME_NAMES: dict[int, str] = {number: name for name, number in OUTCOMES.items()}
USAGE_SOURCES: dict[int, str] = {source.value: source.name.lower() for source in UsageSource}

OutcomeName = Literal["ok", "refused", "upstream_error", "cut", "cancelled", "interrupted", "failed"]
Dimension = Literal["day", "model", "key", "user", "department", "provider", "deployment", "operation"]

Id = Annotated[str, StringConstraints(pattern=UUID, to_lower=True)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=NAME)]


class _Question(BaseModel):
    """A parameter that is not known is refused: a misspelt filter would otherwise answer with everything."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class WhoAndWhat(_Question):
    """Filters that the totals know as well."""

    key_id: Word | None = None
    user_id: Word | None = None
    department_id: Word | None = None
    model: Word | None = Field(None, description="The model that served; the one asked for when none did.")
    provider: Word | None = Field(None, description="The provider's slug.")
    deployment_id: Word | None = None
    operation: Word | None = None


class RowQuestion(WhoAndWhat):
    since: AwareDatetime | None = Field(None, alias="from", description="The first moment, RFC 3339.")
    until: AwareDatetime | None = Field(None, alias="to", description="The first moment that is not meant any more.")
    model_asked: Word | None = None
    status: int | None = Field(None, ge=0, le=999, description="HTTP status of the answer; 0: interrupted.")
    outcome: OutcomeName | None = None
    error_code: Word | None = None
    request_id: Word | None = None
    trace_id: Word | None = None
    priced: bool | None = None
    min_cost_nanousd: int | None = Field(None, ge=0, le=2**62)
    max_cost_nanousd: int | None = Field(None, ge=0, le=2**62)

    @model_validator(mode="after")
    def _forwards(self) -> "RowQuestion":
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("`from` lies after `to`")
        return self


class _Paged(_Question):
    page: int = Field(1, ge=1, le=MAX_PAGE)
    per_page: int = Field(DEFAULT_PER_PAGE, ge=1, le=MAX_PER_PAGE)
    sort: str | None = Field(None, max_length=200)

    def paged(self) -> Page:
        return Page(self.page, self.per_page)


class ListQuestion(RowQuestion, _Paged):
    """`sort`: `started_at` or `cost`, with a minus for the largest first; the newest first when not given."""


class ExportQuestion(RowQuestion):
    format: Literal["csv", "ndjson"] = "csv"


class SummaryQuestion(WhoAndWhat, _Paged):
    """Sums are kept per UTC day, so these are days and not moments. `sort`: any of `by`, or `requests`, `cost`."""

    by: str = Field(
        "day",
        max_length=100,
        description="One or more of day, model, key, user, department, provider, deployment, operation: `day,model`.",
    )
    since: date | None = Field(None, alias="from", description="The first UTC day, `2026-05-30`.")
    until: date | None = Field(None, alias="to", description="The last UTC day, itself included.")

    @model_validator(mode="after")
    def _forwards(self) -> "SummaryQuestion":
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("`from` lies after `to`")
        return self


# ---- answers


class TokensView(View):
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    reasoning_tokens: int
    input_audio_tokens: int
    output_audio_tokens: int
    cache_read_audio_tokens: int
    billable_requests: int
    web_searches: int


class MediaCounts(View):
    images: int = 0
    input_image_tokens: int = 0
    output_image_tokens: int = 0
    input_audio_ms: int = 0
    output_audio_ms: int = 0
    video_ms: int = 0
    characters: int = 0
    searches: int = 0
    pages: int = 0
    file_searches: int = 0
    code_executions: int = 0


class MediaView(MediaCounts):
    image_class: str | None = None
    service_tier: str | None = None


class AbandonedView(View):
    provider: str
    deployment_id: str
    model: str
    upstream_model: str
    status: int
    error_code: str
    cost_nanousd: int | None


class RowView(TokensView):
    event_id: str
    started_at: Moment
    request_id: str
    trace_id: str | None
    key_id: str
    key_name: str
    user_id: str
    department_id: str | None
    operation: str
    dialect_in: str
    dialect_out: str | None
    stream: bool
    model_asked: str
    model_served: str | None
    upstream_model: str | None
    provider_id: str | None
    provider: str | None
    deployment_id: str | None
    credential_id: str | None
    status: int
    outcome: OutcomeName
    error_code: str | None
    reason: str | None = Field(description="Which limit, budget, policy or scope said no; null: none did.")
    usage_source: Literal["reported", "estimated", "unknown", "none"]
    cost_nanousd: int | None = Field(description="Nano-dollars; null: no price is known.")
    cost_usd: str | None = Field(description="The same in dollars, a decimal number as text.")
    cost_cents: float | None
    priced: bool = Field(description="False: the cost is unknown, or a part of it is.")
    estimated: bool = Field(description="True: tokens or cost are an estimate.")
    price_source: str | None
    first_byte_us: int
    total_us: int
    attempts: int
    abandoned: list[AbandonedView]
    cache: str | None = Field(description="How the cache answered: `exact` or `semantic`; null: a provider did.")
    saved_nanousd: int = Field(description="What an answer out of the cache had cost when it was made.")
    media: MediaView | None = Field(description="What is counted in other units than tokens; null: nothing was.")
    path: str | None = Field(description="Of a call that was passed through: its path, ids left out.")
    mirror_of: str | None = Field(description="Of a copy that a route sent: the event id of what it is a copy of.")


class SumsView(TokensView):
    requests: int
    succeeded: int
    unpriced: int = Field(description="Requests whose cost is unknown, wholly or in part; not in the cost.")
    estimated: int = Field(description="Requests whose tokens or cost are an estimate.")
    tokens: int = Field(description="All tokens: input and output.")
    cost_nanousd: int
    cost_usd: str
    cost_cents: float
    saved_nanousd: int = Field(description="What answers out of the cache had cost when they were made.")
    media: MediaCounts


class SummaryView(SumsView):
    """One group; only what was grouped by is there."""

    day: str | None = None
    model: str | None = None
    key_id: str | None = None
    key_name: str | None = None
    user_id: str | None = None
    department_id: str | None = None
    provider: str | None = None
    deployment_id: str | None = None
    operation: str | None = None


class LedgerMeta(Meta):
    totals: SumsView | None = Field(None, description="Sums over all rows that the filters match, not this page alone.")


class RowPage(BaseModel):
    success: Literal[True] = True
    data: list[RowView]
    message: str | None = None
    error: None = None
    meta: LedgerMeta


class SummaryPage(BaseModel):
    success: Literal[True] = True
    data: list[SummaryView]
    message: str | None = None
    error: None = None
    meta: LedgerMeta
