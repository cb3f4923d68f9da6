"""`turnpike alerts`: list, history, rules, add-rule, remove-rule, silence, silences, unsilence."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell, field, when
from turnpike.cli.tasks import with_control
from turnpike.cli.values import moment, past, words
from turnpike.errors import InvalidRequest, NotFound

PATH = "/api/v1/alerts"
_Flag = Parameter(negative="")
Kind = Literal["spend", "spend_anomaly", "error_rate", "latency", "provider_health"]
Scope = Literal["gateway", "department", "user", "key", "model", "provider"]


async def find_named(control: Control, what: str, text: str) -> dict[str, Any]:
    """The rule or target of that id or name. Raises NotFound."""
    for row in await control.rows(f"{PATH}/{what}"):
        if text in (row["id"], row["name"]):
            return row
    raise NotFound(f"no {text!r}; `turnpike alerts {what}` shows those that there are")


def list_alerts(*, common: Common = DEFAULT) -> None:
    """List what is pending or firing now."""

    async def work(control: Control) -> None:
        columns = (
            ("STATE", field("state")), ("RULE", field("rule")), ("SUBJECT", field("subject")),
            ("SEVERITY", field("severity")), ("SINCE", when("since")), ("WHAT", field("message")),
        )  # fmt: skip
        Output(common).table(await control.rows(PATH), columns, empty="Nothing is pending or firing.")

    with_control(common, work)


def history(
    *,
    rule: Annotated[str | None, Parameter(help="Of this rule only: id or name.")] = None,
    state: Annotated[Literal["pending", "firing", "resolved"] | None, Parameter(help="Only these.")] = None,
    since: Annotated[str | None, Parameter(help="24h ago, or a date. Default: as far back as is kept.")] = None,
    limit: Annotated[int, Parameter(help="How many.")] = 50,
    common: Common = DEFAULT,
) -> None:
    """Show what became of alerts, the newest first."""
    wanted: dict[str, Any] = {"state": state, "since": past(since, "--since") if since else None}

    async def work(control: Control) -> None:
        if rule is not None:
            wanted["rule_id"] = (await find_named(control, "rules", rule))["id"]
        rows = (await control.get(f"{PATH}/history", per_page=min(limit, 500), **wanted)).data
        columns = (
            ("AT", when("at")), ("STATE", field("state")), ("RULE", field("rule")), ("SUBJECT", field("subject")),
            ("SILENCED", lambda row: row["silence_id"] is not None), ("WHAT", field("message")),
        )  # fmt: skip
        Output(common).table(rows, columns, empty="Nothing has fired.")

    with_control(common, work)


# ---- rules


def rules(*, common: Common = DEFAULT) -> None:
    """List alert rules."""

    async def work(control: Control) -> None:
        columns = (
            ("NAME", field("name")), ("KIND", field("kind")), ("SCOPE", field("scope")), ("SUBJECT", field("subject")),
            ("THRESHOLD", field("threshold")), ("MINUTES", field("window_minutes")), ("ON", field("is_active")),
            ("ID", field("id")),
        )  # fmt: skip
        empty = "No rule yet: turnpike alerts add-rule spend --name 'day over 100' --threshold 100 --minutes 1440"
        Output(common).table(await control.rows(f"{PATH}/rules"), columns, empty=empty)

    with_control(common, work)


@Parameter(name="*")
@dataclass(frozen=True)
class Tuning:
    """What a rule of some kind may have."""

    hold_s: Annotated[int, Parameter(help="How long it must be so before it fires, in seconds.")] = 0
    resolve_s: Annotated[int, Parameter(help="How long it must be over before it is resolved, in seconds.")] = 300
    repeat_hours: Annotated[int, Parameter(help="How often it is told again; 0: never.")] = 0
    severity: Annotated[Literal["info", "warning", "critical"], Parameter(help="Its weight.")] = "warning"
    min_requests: Annotated[int | None, Parameter(help="error_rate, latency: fewer calls say nothing.")] = None
    percentile: Annotated[float | None, Parameter(help="latency: which percentile. Default: 95.")] = None
    measure: Annotated[Literal["total", "first_byte"] | None, Parameter(help="latency: of what. Default: total.")] = (
        None
    )
    baseline_hours: Annotated[int | None, Parameter(help="spend_anomaly: hours that tell what is usual.")] = None
    min_usd: Annotated[float | None, Parameter(help="spend_anomaly: less above what is usual is none.")] = None


NO_TUNING = Tuning()


def add_rule(
    kind: Annotated[Kind, Parameter(help="What it looks at.")],
    /,
    *,
    name: Annotated[str, Parameter(help="What people call it.")],
    threshold: Annotated[
        float | None, Parameter(help="Dollars, percent, milliseconds, or a z-score (default 6).")
    ] = None,
    scope: Annotated[Scope, Parameter(help="At whom or what.")] = "gateway",
    subject: Annotated[str, Parameter(help="Which: an id, a model, a provider's slug, or * for each.")] = "",
    minutes: Annotated[int, Parameter(help="How far back it looks.")] = 60,
    target: Annotated[list[str] | None, _Flag, Parameter(help="Targets that are told: ids or names.")] = None,
    tuning: Tuning = NO_TUNING,
    common: Common = DEFAULT,
) -> None:
    """Add an alert rule."""
    if threshold is None and kind not in ("spend_anomaly", "provider_health"):
        raise InvalidRequest("--threshold is needed: dollars, percent, or milliseconds")
    body: dict[str, Any] = {
        "name": name, "kind": kind, "scope": scope, "subject": subject, "window_minutes": minutes,
        "threshold": 6.0 if threshold is None else threshold, "hold_s": tuning.hold_s, "resolve_s": tuning.resolve_s,
        "repeat_hours": tuning.repeat_hours, "severity": tuning.severity,
    }  # fmt: skip
    optional = ("min_requests", "percentile", "measure", "baseline_hours", "min_usd")
    options = {each: getattr(tuning, each) for each in optional}
    body["options"] = {each: value for each, value in options.items() if value is not None}

    async def work(control: Control) -> None:
        body["targets"] = [(await find_named(control, "targets", each))["id"] for each in words(target)]
        made = (await control.post(f"{PATH}/rules", body)).data
        Output(common).result(made, f"Added the rule {cell(made['name'])}: {made['id']}")

    with_control(common, work)


def remove_rule(rule: Annotated[str, Parameter(help="Its id or name.")], /, *, common: Common = DEFAULT) -> None:
    """Remove an alert rule; its history stays."""

    async def work(control: Control) -> None:
        found = await find_named(control, "rules", rule)
        reply = await control.delete(f"{PATH}/rules/{found['id']}")
        Output(common).result(reply.data, f"Removed the rule {cell(found['name'])}.")

    with_control(common, work)


# ---- silences


def silence(
    rule: Annotated[str, Parameter(help="Rule names, * as a wildcard; `budget`: percentages of budgets.")] = "*",
    /,
    *,
    until: Annotated[str, Parameter(help="2h, 1d, or a date such as 2030-01-31.")],
    subject: Annotated[str, Parameter(help="Subjects, * as a wildcard.")] = "*",
    reason: Annotated[str | None, Parameter(help="Why; people read it in the list.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Keep alerts from being told for a while."""
    body = {"rule": rule, "subject": subject, "until": moment(until), "reason": reason}
    if body["until"] is None:
        raise InvalidRequest("--until never: a silence ends; switch the rule off instead")

    async def work(control: Control) -> None:
        made = (await control.post(f"{PATH}/silences", body)).data
        Output(common).result(made, f"Silenced {cell(made['rule'])} until {cell(made['until'])}: {made['id']}")

    with_control(common, work)


def silences(
    *,
    over: Annotated[bool, Parameter(name="--all", negative="", help="Those too that are over.")] = False,
    common: Common = DEFAULT,
) -> None:
    """List silences."""

    async def work(control: Control) -> None:
        rows = await control.rows(f"{PATH}/silences", over="true" if over else None)
        columns = (
            ("RULE", field("rule")), ("SUBJECT", field("subject")), ("UNTIL", when("until")),
            ("WHY", field("reason")), ("ID", field("id")),
        )  # fmt: skip
        Output(common).table(rows, columns, empty="Nothing is silenced.")

    with_control(common, work)


def unsilence(
    silence_id: Annotated[str, Parameter(help="As `alerts silences` shows it.")], /, *, common: Common = DEFAULT
) -> None:
    """End a silence now."""

    async def work(control: Control) -> None:
        reply = await control.delete(f"{PATH}/silences/{silence_id}")
        Output(common).result(reply.data, "The silence is over.")

    with_control(common, work)
