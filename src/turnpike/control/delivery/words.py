"""Events in the words that people read: mails and chat messages."""

from decimal import Decimal
from typing import Any

from turnpike.control.db.models import EventRow
from turnpike.control.events.kinds import AlertFiring, AlertResolved, BudgetAlert, Ping
from turnpike.kit.clock import from_ms, rfc3339

_LONGEST = 150


def subject(row: EventRow) -> str:
    """One line."""
    data = row.data
    match row.type:
        case AlertFiring.TYPE:
            text = f"[{str(data['severity']).upper()}] {data['rule']}{_of(data)}"
        case AlertResolved.TYPE:
            text = f"[resolved] {data['rule']}{_of(data)}"
        case BudgetAlert.TYPE:
            text = f"[budget] {data['percent']} % of {Decimal(data['amount_usd']):.2f} USD is spent{_whose(data)}"
        case Ping.TYPE:
            text = "[test] Turnpike"
        case _:
            text = f"[{row.type}]"
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def text(row: EventRow) -> str:
    """A few lines: what it is, then every field."""
    said = row.data.get("message")
    lines = [str(said), ""] if said else []
    fields = {"type": row.type, "at": rfc3339(from_ms(row.at_ms)), **row.data, "event": row.id}
    lines += [f"{name}: {value}" for name, value in fields.items() if name != "message" and value is not None]
    return "\n".join(lines) + "\n"


def slack(row: EventRow) -> dict[str, Any]:
    """For an incoming webhook of Slack, Mattermost, Rocket.Chat, Discord (`/slack`) and the like."""
    head, said = _escaped(subject(row)), row.data.get("message")
    return {"text": f"*{head}*\n{_escaped(str(said))}" if said else f"*{head}*"}


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _of(data: dict[str, Any]) -> str:
    return f": {data['subject']}" if data["subject"] else ""


def _whose(data: dict[str, Any]) -> str:
    return f" by {data['kind']} {data['subject']}" if data["subject"] else " by the gateway"
