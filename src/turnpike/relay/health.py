"""GET /health: this relay's own state, and control's if it says within 200 ms."""

from typing import TYPE_CHECKING

import msgspec

from turnpike import __version__
from turnpike.contract.health import DEGRADED_PREFIX, health_report, http_status

if TYPE_CHECKING:
    from turnpike.relay.core import Relay
    from turnpike.relay.protocol import ClientConnection

_NO_STORE = b"cache-control: no-store\r\n"


class HealthAnswer:
    """One question, on its way to control."""

    def __init__(self, relay: "Relay", connection: "ClientConnection") -> None:
        self._relay = relay
        self._connection = connection

    def answer(self, checks: dict[str, str] | None) -> None:
        connection = self._connection
        if connection.conversation is not self:
            return
        report = health_report(own_checks(self._relay), checks, version=__version__)
        status = http_status(report)
        self._relay.metrics.count_other("GET", "/health", status, 0.0)
        connection.answer(status, _NO_STORE, msgspec.json.encode(report))

    # ---- Conversation

    def client_gone(self) -> None:
        pass

    def client_stalled(self) -> None:
        pass

    def client_ready(self) -> None:
        pass


def answer_health(relay: "Relay", connection: "ClientConnection") -> None:
    question = HealthAnswer(relay, connection)
    connection.conversation = question
    relay.link.ask_health(question.answer)


def own_checks(relay: "Relay") -> dict[str, str]:
    """`ok` or what is wrong, of what this relay needs to carry a model call."""
    journal = relay.journal
    checks = {"relay": "draining" if relay.draining else "ok", "journal": journal.fault or "ok"}
    if relay.catalog.snapshot.version == 0:
        checks["snapshot"] = "no snapshot yet"
    else:
        checks["snapshot"] = "ok"
    if relay.closed is not None:
        checks["maintenance"] = DEGRADED_PREFIX + relay.closed.message
    if relay.limits.state != "ok":
        checks["limits"] = DEGRADED_PREFIX + relay.limits.state
    return checks
