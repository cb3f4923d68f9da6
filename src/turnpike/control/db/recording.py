"""What a transaction does to rows, noted while it is flushed, so that no domain can forget to tell the audit log.

Only short values of plain columns are kept. Of documents (JSON) and long text the names of what changed are, of
secrets nothing but that they changed; what tells of a person goes into the part that can be erased.
"""

import re
from typing import Any, cast

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Integer, Numeric, String, Text, event, inspect
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

from turnpike.control.audit.entries import Made
from turnpike.control.db.base import Flags

AUDITED = "audit"
"""In a table's `info`: False keeps its rows out of the audit log (counters, caches)."""
PERSONAL = "personal"
"""In a column's `info`: True keeps its values out of the chain."""
MADE = "made"
_UNAUDITED = re.compile(r"changes|meta|ledger.*|lent_.*|audit_.*|owned_objects")
_SECRET = re.compile(r"sealed|digest|hash|secret|password|token|salt|pepper|cookie|credential$")
_ALWAYS_PERSONAL = frozenset(("email", "ext_subject", "phone"))
_PERSONAL_OF = {"users": frozenset(("display_name", "name", "picture"))}
_CLOCKS = frozenset(("created_at_ms", "updated_at_ms"))
_KINDS = {"api_keys": "key", "model_aliases": "alias", "provider_settings": "setting", "network_rules": "network"}
_IN_ADDRESS = re.compile(r"(://)[^/@\s]*@")
_MOST_ROWS = 50
_LONGEST = 255
_PLAIN = (Boolean, Integer, BigInteger, Float, Numeric, Flags)


class RecordingSession(Session):
    """The synchronous session below a WriteSession."""


def kind_of(table: str) -> str:
    """`api_keys` is `key`, `providers` is `provider`, `policies` is `policy`."""
    if table in _KINDS:
        return _KINDS[table]
    return table[:-3] + "y" if table.endswith("ies") else table.removesuffix("s")


def is_audited(table: Any) -> bool:
    return table.info.get(AUDITED) is not False and not _UNAUDITED.fullmatch(table.name)


def made_by(session: Session) -> Made:
    return cast("Made", session.info.setdefault(MADE, Made()))


@event.listens_for(RecordingSession, "after_flush")
def _flushed(session: Session, _: UOWTransaction) -> None:
    for operation, rows in (("create", session.new), ("update", session.dirty), ("delete", session.deleted)):
        for row in rows:
            _note(made_by(session), operation, row)


@event.listens_for(RecordingSession, "do_orm_execute")
def _executed(state: ORMExecuteState) -> None:
    """Rows changed by a statement of their own, which no flush sees."""
    operation = "update" if state.is_update else "delete" if state.is_delete else "create" if state.is_insert else None
    if operation is None:
        return
    table = getattr(state.statement, "table", None)
    if table is not None and is_audited(table):
        made_by(state.session).changes.append({"op": operation, "kind": kind_of(table.name), "many": True})


def _note(made: Made, operation: str, row: Any) -> None:
    state = inspect(row)
    table = state.mapper.local_table
    if not is_audited(table):
        return
    fields: dict[str, Any] = {}
    personal: dict[str, Any] = {}
    for attribute in state.mapper.column_attrs:
        column = attribute.columns[0]
        if attribute.key in _CLOCKS or column.primary_key:
            continue
        before, after = _values(operation, state.attrs[attribute.key])
        if before == after:
            continue
        if _is_personal(table.name, column):
            fields[attribute.key] = None
            personal[attribute.key] = [before, after]
        else:
            fields[attribute.key] = _shown(column, before, after)
    if operation == "update" and not fields:
        return
    identity = ":".join(str(value) for value in state.mapper.primary_key_from_instance(row))
    kind = kind_of(table.name)
    if operation == "create":
        made.new_ids.setdefault(kind, identity)
    if len(made.changes) >= _MOST_ROWS:
        made.changes[-1] = {"more": made.changes[-1].get("more", 1) + 1}
        return
    made.changes.append({"op": operation, "kind": kind, "id": identity, "fields": fields})
    if personal:
        made.personal.append({"kind": kind, "id": identity, "fields": personal})


def _values(operation: str, attribute: Any) -> tuple[Any, Any]:
    if operation == "delete":
        return attribute.loaded_value if "NO_VALUE" not in str(attribute.loaded_value) else None, None
    history = attribute.history
    if operation == "create":
        return None, history.added[0] if history.added else None
    if not history.has_changes():
        return None, None
    before = history.deleted[0] if history.deleted else None
    return before, history.added[0] if history.added else None


def _is_personal(table: str, column: Column[Any]) -> bool:
    named = column.name in _ALWAYS_PERSONAL or column.name in _PERSONAL_OF.get(table, ())
    return named or bool(column.info.get(PERSONAL))


def _shown(column: Column[Any], before: Any, after: Any) -> Any:
    """[before, after], or None where only the change itself may be known, or the names of what a document holds."""
    if _SECRET.search(column.name):
        return None
    if isinstance(column.type, _PLAIN):
        return [before, after]
    if isinstance(column.type, JSON):
        return _document(before, after)
    if isinstance(column.type, String) and not isinstance(column.type, Text):
        return [_short(before), _short(after)]
    return None


def _document(before: Any, after: Any) -> Any:
    if all(value is None or _is_words(value) for value in (before, after)):
        return [before, after]
    if all(value is None or isinstance(value, dict) for value in (before, after)):
        old, new = before or {}, after or {}
        return {"members": sorted(name for name in {*old, *new} if old.get(name) != new.get(name))}
    return None


def _is_words(value: Any) -> bool:
    words = cast("list[Any]", value) if isinstance(value, list) else None
    return words is not None and len(words) <= _MOST_ROWS and all(isinstance(word, str) for word in words)


def _short(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _IN_ADDRESS.sub(r"\1***@", value)[:_LONGEST]
