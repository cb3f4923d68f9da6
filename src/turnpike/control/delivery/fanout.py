"""Who gets an event. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from turnpike.control.db.models import AlertSilence, AlertTarget, EventRow, WebhookEndpoint
from turnpike.control.events.kinds import BudgetAlert, Ping, wanted

WEBHOOK = "webhook"
BUDGET = "budget"
"""What silences call the percentages of budgets."""


class Receiver(NamedTuple):
    channel: str
    id: str


def receivers(
    event: EventRow,
    endpoints: Sequence[WebhookEndpoint],
    targets: Sequence[AlertTarget],
    silences: Iterable[AlertSilence],
) -> list[Receiver]:
    """Active endpoints and targets only are handed in. Each receiver once."""
    if event.only is not None:
        return _only(event.only, endpoints, targets)
    found = [
        Receiver(WEBHOOK, row.id)
        for row in endpoints
        if event.type != Ping.TYPE and _concerns(row.department_id, event) and wanted(row.event_types, event.type)
    ]
    named = set(event.targets or ())
    budget = event.type == BudgetAlert.TYPE and silence_of(BUDGET, budget_subject(event.data), silences) is None
    by_id = {row.id: row for row in endpoints}
    for row in targets:
        if (row.id in named or (budget and row.budget_alerts)) and _concerns(row.department_id, event):
            found += _of_target(row, by_id)
    return list(dict.fromkeys(found))


def _only(wished: str, endpoints: Sequence[WebhookEndpoint], targets: Sequence[AlertTarget]) -> list[Receiver]:
    by_id = {row.id: row for row in endpoints}
    if wished in by_id:
        return [Receiver(WEBHOOK, wished)]
    return [receiver for row in targets if row.id == wished for receiver in _of_target(row, by_id)]


def _of_target(row: AlertTarget, endpoints: Mapping[str, WebhookEndpoint]) -> list[Receiver]:
    if row.kind != WEBHOOK:
        return [Receiver(row.kind, row.id)]
    return [Receiver(WEBHOOK, row.endpoint_id)] if row.endpoint_id in endpoints and row.endpoint_id else []


def _concerns(department_id: str | None, event: EventRow) -> bool:
    return department_id is None or department_id == event.department_id


def budget_subject(data: Mapping[str, object]) -> str:
    return f"{data['kind']}:{data['subject']}"


def silence_of(rule: str, subject: str, silences: Iterable[AlertSilence]) -> str | None:
    """The id of a silence that covers it; those handed in are in force."""
    for row in silences:
        if _fits(row.rule, rule) and _fits(row.subject, subject):
            return row.id
    return None


def _fits(pattern: str, text: str) -> bool:
    # Only `*` is a wildcard; fnmatch knows two more.
    return fnmatchcase(text, pattern.replace("[", "[[]").replace("?", "[?]"))
