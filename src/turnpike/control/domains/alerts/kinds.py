"""What rules can look at, and at whom."""

from enum import StrEnum
from typing import Any

from sqlalchemy.orm import InstrumentedAttribute

from turnpike.control.db.models import LedgerRow, LedgerTotal

EACH = "*"
GATEWAY = "gateway"


class Kind(StrEnum):
    SPEND = "spend"
    SPEND_ANOMALY = "spend_anomaly"
    ERROR_RATE = "error_rate"
    LATENCY = "latency"
    PROVIDER_HEALTH = "provider_health"


PENDING, FIRING, RESOLVED = "pending", "firing", "resolved"
SCOPES: dict[str, tuple[InstrumentedAttribute[Any], InstrumentedAttribute[str]]] = {
    "department": (LedgerRow.department_id, LedgerTotal.department_id),
    "user": (LedgerRow.user_id, LedgerTotal.user_id),
    "key": (LedgerRow.key_id, LedgerTotal.key_id),
    "model": (LedgerRow.model, LedgerTotal.model),
    "provider": (LedgerRow.provider, LedgerTotal.provider),
}
"""The columns of the ledger's rows and of its daily sums; the gateway has none. Some of the former may be null."""
