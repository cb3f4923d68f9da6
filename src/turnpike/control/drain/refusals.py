"""Which of the ledger's rows the audit log must hear of. They wait in a table of their own, put there in the rows'
transaction, until control chains them (turnpike.control.refusals)."""

from collections.abc import Sequence

import msgspec

from turnpike.contract.events import Outcome
from turnpike.control.audit.refusals import AUDITED_CODES, Refusal, merge
from turnpike.control.drain.rows import COLUMNS, Row
from turnpike.kit.ids import new_id

_AT = {name: place for place, name in enumerate(COLUMNS)}
_OUTCOME, _CODE = _AT["outcome"], _AT["error_code"]
_REFUSED = int(Outcome.REFUSED)
_NAMES = ("key_id", "user_id", "department_id", "error_code", "operation", "model_asked")
_PLACES = tuple(_AT[name] for name in _NAMES)
_STARTED, _REQUEST = _AT["started_at_ms"], _AT["request_id"]


def waiting_rows(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Rows of `audit_waiting` for these of the ledger: one for each kind of refusal; mostly none."""
    refused = [row for row in rows if row[_OUTCOME] == _REFUSED and row[_CODE] in AUDITED_CODES]
    if not refused:
        return []
    return [(new_id(), msgspec.json.encode(refusal).decode()) for refusal in merge(map(_refusal, refused))]


def _refusal(row: Row) -> Refusal:
    started: int = row[_STARTED]
    key_id, user_id, department_id, code, operation, model = (row[place] for place in _PLACES)
    return Refusal(key_id, user_id, department_id, code, operation, model, 1, started, started, [row[_REQUEST]])
