"""Bodies and answers of /api/v1/limits and /api/v1/tiers."""

from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from turnpike.contract.limits import ANY, Resource, Subject
from turnpike.control.db.models import Limit, Tier
from turnpike.control.domains.limits.counters import Counter
from turnpike.control.domains.limits.rules import check_window
from turnpike.control.web.envelope import Moment, moment
from turnpike.control.web.fields import NO_CONTROL, Body, Text, View
from turnpike.kit.clock import from_ms, now_ms, rfc3339

MAX_AMOUNT = 10**15
MAX_WINDOW_S = 7 * 86_400
TierName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]
Named = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255, pattern=NO_CONTROL)]
Narrowed = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64, pattern=NO_CONTROL)]


class LimitBody(Body):
    """One rule. There is one for each subject, resource, window and filter: setting it again changes its amount."""

    subject: Subject
    name: Named = Field(
        default="",
        description="Of a tier; id of a key, user, department or deployment; slug or id of a provider; a model's name "
        "with `*` as wildcard; an operation (`chat`) or an endpoint's path; a network or `*`; empty for `gateway`.",
    )
    resource: Resource = Resource.REQUESTS
    amount: int = Field(ge=0, le=MAX_AMOUNT, description="How much in each window, or at once for `concurrency`.")
    window_s: int | None = Field(
        default=None, ge=1, le=MAX_WINDOW_S, description="Length of the window; 60 if left out. None for `concurrency`."
    )
    burst: int = Field(default=0, ge=0, le=MAX_AMOUNT, description="How much more than the amount is let pass.")
    on_unreachable: Literal["closed", "open"] = Field(
        default="closed",
        description="When limits cannot be counted: `closed` refuses what relays hold no slice for, `open` lets it "
        "pass uncounted.",
    )
    model: Named = Field(default="", description="Counts calls for this model alone (`*` as wildcard).")
    operation: Narrowed = Field(default="", description="Counts this operation, or endpoint's path, alone.")
    counting: Literal["bound", "estimate"] = Field(
        default="bound",
        description="Of `tokens`, what a call takes when it is admitted: the most that it can use (`bound`: the limit "
        "is never gone over), or what it is likely to use (`estimate`: calls that say nothing of their output's length "
        "find room in small limits, which may be gone over by what is under way). What it has really used counts when "
        "it ends.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.window_s = check_window(self.resource, self.window_s)
        if self.counting == "estimate" and self.resource != Resource.TOKENS:
            raise ValueError("`counting` is for limits of tokens")
        if self.subject == Subject.IP and self.name != ANY:
            try:
                self.name = str(ip_network(self.name, strict=False))
            except ValueError:
                raise ValueError(f"{self.name[:64]!r} is neither a network nor `*`") from None
        if self.subject == Subject.IP and (self.model or self.operation):
            raise ValueError("a limit of addresses cannot be narrowed to a model or an operation")
        if self.subject in (Subject.PROVIDER, Subject.DEPLOYMENT) and (self.model or self.operation):
            raise ValueError(f"a limit of a {self.subject} cannot be narrowed to a model or an operation")
        return self


class LimitView(View):
    id: str
    subject: str
    name: str
    resource: str
    amount: int
    window_s: int
    burst: int
    on_unreachable: str
    model: str
    operation: str
    counting: str
    created_at: Moment
    updated_at: Moment


class CounterView(View):
    limit_id: str = Field(description="Of the rule; `TURNPIKE_RATE_LIMIT_ENABLED` for the one of the settings.")
    subject: str = Field(description="Of the rule: `tier` where the key's tier sets it.")
    name: str
    instance: str = Field(description="Whose counter it is: the key's id, the address ...")
    resource: str
    window_s: int
    amount: int
    burst: int
    model: str
    operation: str
    used: int = Field(description="What relays hold slices of counts as used until they give it back.")
    remaining: int
    resets_at: str | None = Field(description="End of the window; null for `concurrency`.")


class ResetBody(Body):
    subject: Subject
    name: Named = Field(default="", description="As in a limit; for `ip` one address.")


class TierBody(Body):
    description: Text | None = None


class TierView(View):
    name: str
    description: str | None
    limits: list[LimitView]
    created_at: Moment
    updated_at: Moment


def view_limit(row: Limit) -> LimitView:
    fields = (
        "id", "subject", "name", "resource", "amount", "window_s", "burst", "on_unreachable", "model", "operation",
        "counting",
    )  # fmt: skip
    return LimitView(
        **{field: getattr(row, field) for field in fields},
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )


def view_tier(row: Tier, limits: list[Limit]) -> TierView:
    return TierView(
        name=row.name,
        description=row.description,
        limits=[view_limit(each) for each in limits],
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )


def view_counter(counter: Counter) -> CounterView:
    rule = counter.rule
    ends = None
    if rule.length_ms:
        now = now_ms()
        ends = rfc3339(from_ms(now - now % rule.length_ms + rule.length_ms))
    return CounterView(
        limit_id=rule.id,
        subject=rule.subject,
        name=rule.name,
        instance=counter.instance,
        resource=rule.resource,
        window_s=rule.window_s,
        amount=rule.amount,
        burst=rule.burst,
        model=rule.model,
        operation=rule.operation,
        used=counter.used,
        remaining=max(0, rule.limit - counter.used),
        resets_at=ends,
    )
