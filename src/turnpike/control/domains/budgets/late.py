"""Money for what is paid long after its call: a batch holds what was reserved for it until its cost is known."""

from collections.abc import Iterable
from hashlib import blake2b

from sqlalchemy.dialects import postgresql, sqlite

from turnpike.contract.budgets import read_charge
from turnpike.contract.objects import OwnedObject
from turnpike.control.db.models import BudgetSlice
from turnpike.control.db.sessions import WriteSession
from turnpike.kit.clock import now_ms


def late_holder(provider_id: str, kind: str, object_id: str) -> str:
    """The name under which an object holds money; at most 80 characters."""
    return "late:" + blake2b(f"{provider_id}\0{kind}\0{object_id}".encode(), digest_size=32).hexdigest()


async def hold(session: WriteSession, objects: Iterable[OwnedObject], *, is_sqlite: bool) -> None:
    """In the transaction that writes down whose they are. The relay that made them has given up as much."""
    rows = [
        {
            "budget_id": charge.budget_id,
            "start_ms": charge.start_ms,
            "holder": late_holder(made.provider_id, made.kind, made.object_id),
            "home": "",
            "granted_nanousd": made.reserved_nanousd,
            "settled_nanousd": 0,
            "asked": 0,
            "fresh": 0,
            "base_nanousd": 0,
            "seen_at_ms": now_ms(),
        }
        for made in objects
        if made.reserved_nanousd
        for charge in map(read_charge, made.charged)
        if charge is not None
    ]
    if rows:
        insert = sqlite.insert if is_sqlite else postgresql.insert
        await session.execute(insert(BudgetSlice).values(rows).on_conflict_do_nothing())
