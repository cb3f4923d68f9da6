"""`turnpike budgets`: set, list, show, delete, write-off."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import id_of
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, Row, cell, field, when
from turnpike.cli.tasks import with_control
from turnpike.cli.values import words
from turnpike.errors import InvalidRequest

PATH = "/api/v1/budgets"
BudgetId = Annotated[str, Parameter(help="Its id, as `budgets list` shows it.")]
_Flag = Parameter(negative="")


@Parameter(name="*")
@dataclass(frozen=True)
class Whom:
    """Whom or what a budget is for: one of these."""

    key: Annotated[str | None, Parameter(help="For an API key: id, name or first characters.")] = None
    user: Annotated[str | None, Parameter(help="For a user: id, e-mail address or name.")] = None
    department: Annotated[str | None, Parameter(help="For a department: id or name.")] = None
    model: Annotated[str | None, Parameter(help="For a model, or several with * as a wildcard.")] = None
    tag: Annotated[str | None, Parameter(help="For calls with this tag in x-turnpike-tags.")] = None
    credential: Annotated[str | None, Parameter(help="For a provider's credential (its id).")] = None
    provider: Annotated[str | None, Parameter(help="For a provider (its slug).")] = None
    global_: Annotated[bool, _Flag, Parameter(name="--global", help="For the whole gateway.")] = False


NOBODY = Whom()


def set_budget(
    *,
    amount_usd: Annotated[str, Parameter(help="Dollars, up to nine places: 1.00")],
    period: Annotated[Literal["day", "week", "month", "total", "rolling"], Parameter(help="When it is renewed.")],
    whom: Whom = NOBODY,
    soft: Annotated[
        bool | None, Parameter(negative="--hard", help="Refuse nothing, only raise alerts. A new budget is hard.")
    ] = None,
    alert: Annotated[
        list[str] | None, _Flag, Parameter(help="Percentages at which an alert is raised: 50,80. Default: 80,100.")
    ] = None,
    time_zone: Annotated[str, Parameter(help="Where days, weeks and months begin: Europe/Berlin.")] = "UTC",
    hours: Annotated[int | None, Parameter(help="Of --period rolling: how long the window is.")] = None,
    flat_usd: Annotated[
        str | None, Parameter(help="What a call counts for that has no price or no bound. Default: refuse it.")
    ] = None,
    common: Common = DEFAULT,
) -> None:
    """Set a budget, or change the one that there is: what is not named stays as it is."""
    kind, subject = _only(whom)
    body: dict[str, Any] = {"amount_usd": _usd(amount_usd, "--amount-usd")}
    if soft is not None:
        body["hard"] = not soft
    if alert is not None:
        body["alerts"] = _percentages(alert)
    if flat_usd is not None:
        body["flat_usd"] = _usd(flat_usd, "--flat-usd")
    fixed = {"period": period, "time_zone": time_zone, "rolling_hours": hours}

    async def work(control: Control) -> None:
        found = await id_of(control, kind, subject)
        there = [row for row in await control.rows(PATH, kind=kind, subject=found or None) if _is(row, fixed)]
        if there:
            made = (await control.patch(f"{PATH}/{there[0]['id']}", body)).data
        else:
            fields = {name: value for name, value in fixed.items() if value is not None}
            made = (await control.post(PATH, {"kind": kind, "subject": found, **fields, **body})).data
        what = "hard" if made["hard"] else "soft"
        done = "Changed" if there else "Set"
        Output(common).result(
            made, f"{done} a {what} budget of {made['amount_usd']} USD for {cell(_name(made))}: {made['id']}"
        )

    with_control(common, work)


def _only(whom: Whom) -> tuple[str, str]:
    chosen = {
        "key": whom.key, "user": whom.user, "department": whom.department, "model": whom.model, "tag": whom.tag,
        "credential": whom.credential, "provider": whom.provider, "gateway": "" if whom.global_ else None,
    }  # fmt: skip
    named = [(kind, subject) for kind, subject in chosen.items() if subject is not None]
    if len(named) != 1:
        raise InvalidRequest(
            "name one that it is for: --key, --user, --department, --model, --tag, --credential, --provider or --global"
        )
    return named[0]


def _usd(text: str, option: str) -> str:
    """As a number in text: a sum of money is never made a float."""
    try:
        return str(Decimal(text.strip().removeprefix("$")))
    except InvalidOperation:
        raise InvalidRequest(f"{option} {text!r} is no sum of dollars; write it like 1.00") from None


def _percentages(texts: list[str]) -> list[int]:
    found = words(texts)
    if not all(each.rstrip("%").isdecimal() for each in found):
        raise InvalidRequest(f"--alert {', '.join(found)}: write whole percentages, such as 50,80")
    return [int(each.rstrip("%")) for each in found]


def _is(row: Row, fixed: dict[str, Any]) -> bool:
    return row["follows"] is None and all(row[name] == value for name, value in fixed.items())


def _name(row: Row) -> str:
    return "the whole gateway" if row["kind"] == "gateway" else f"{row['kind']} {row['subject_name'] or row['subject']}"


def _period(row: Row) -> object:
    return f"{row['rolling_hours']} h" if row["period"] == "rolling" else row["period"]


def list_budgets(*, common: Common = DEFAULT) -> None:
    """List budgets with what is spent of them."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(PATH),
            (
                ("FOR", _name),
                ("PERIOD", _period),
                ("USD", field("amount_usd")),
                ("SPENT", field("spent_usd")),
                ("RESERVED", field("reserved_usd")),
                ("REMAINING", field("remaining_usd")),
                ("KIND", lambda row: "hard" if row["hard"] else "soft"),
                ("ID", field("id")),
            ),
            empty="No budget yet: turnpike budgets set --key NAME --amount-usd 10 --period month",
        )

    with_control(common, work)


def show(budget: BudgetId, /, *, common: Common = DEFAULT) -> None:
    """Show a budget, its periods, its alerts and who holds money of it."""

    async def work(control: Control) -> None:
        row = (await control.get(f"{PATH}/{budget}")).data
        row["periods"] = (await control.get(f"{PATH}/{budget}/periods", per_page=12)).data
        row["raised"] = (await control.get(f"{PATH}/alerts", budget_id=row["id"], per_page=20)).data
        output = Output(common)
        if common.json:
            output.result(row)
            return
        output.result(
            row,
            f"{'Hard' if row['hard'] else 'Soft'} budget of {row['amount_usd']} USD for {cell(_name(row))}, "
            f"{cell(_period(row))}",
            f"  spent      {row['spent_usd']}",
            f"  reserved   {row['reserved_usd']}",
            f"  remaining  {row['remaining_usd']}",
            f"  forecast   {cell(row['forecast_usd'])}",
            f"  until      {cell(row['period_end'])}",
        )
        columns = (("PERIOD", when("start")), ("SPENT", field("spent_usd")))
        output.table(row["periods"], columns, empty="Nothing was spent of it yet.")
        if row["raised"]:
            output.table(row["raised"], (("ALERT %", field("percent")), ("RAISED", when("raised_at"))), empty="")
        if row["holders"]:
            columns = (
                ("LENT TO", field("holder")), ("USD", field("lent_usd")), ("IN LEDGER", field("settled_usd")),
                ("HERE", field("here")), ("SEEN", when("seen_at")),
            )  # fmt: skip
            output.table(row["holders"], columns, empty="")

    with_control(common, work)


def delete(budget: BudgetId, /, *, common: Common = DEFAULT) -> None:
    """Delete a budget; what it counted stays in the ledger."""

    async def work(control: Control) -> None:
        reply = await control.delete(f"{PATH}/{budget}")
        Output(common).result(reply.data, f"Deleted the budget for {cell(_name(reply.data))}.")

    with_control(common, work)


def write_off(
    budget: BudgetId,
    /,
    *,
    holder: Annotated[
        str | None, Parameter(help="As `budgets show` shows it. Default: all that were not heard of for ten minutes.")
    ] = None,
    common: Common = DEFAULT,
) -> None:
    """Take back what was lent to a machine that is gone for good."""

    async def work(control: Control) -> None:
        body = {} if holder is None else {"holder": holder}
        done = (await control.post(f"{PATH}/{budget}/write-off", body)).data
        Output(common).result(done, f"Written off: {done['written_off_usd']} USD, {len(done['holders'])} holders.")

    with_control(common, work)
