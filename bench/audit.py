"""What the audit log costs: processor time of a change with its entry and without, and of verifying an entry.

    python -m bench.audit [--json]

On SQLite in a temporary folder. Processor time and not the clock, so that other work on the machine hardly matters.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from turnpike.control.audit.entries import Act, Named, current_act
from turnpike.control.audit.signing import Signer
from turnpike.control.db.database import Database
from turnpike.control.db.migrate import upgrade
from turnpike.control.db.models import Department
from turnpike.control.domains.audit import service
from turnpike.settings import Settings

_CHANGES = 400


async def _changes_ms(database: Database, kind: str) -> float:
    """Of one change."""
    began = time.process_time()
    for number in range(_CHANGES):
        async with database.write() as session:
            session.add(Department(name=f"{kind} {number}"))
    return (time.process_time() - began) * 1000 / _CHANGES


async def measure(folder: Path) -> dict[str, float]:
    """By what was measured."""
    settings = Settings(_env_file=None, data_dir=folder)  # pyright: ignore[reportCallIssue]
    await upgrade(settings)
    database = Database(settings)
    act = Act(lambda: Named("department.create", "department"), "bench", "192.0.2.1", actor_name="bench")
    try:
        await _changes_ms(database, "first")
        plain = await _changes_ms(database, "plain")
        token = current_act.set(act)
        audited = await _changes_ms(database, "audited")
        current_act.reset(token)
        began = time.process_time()
        async with database.read() as session:
            verdict = await service.verify(session, Signer(bytes(32)), None, None)
        verify_us = (time.process_time() - began) * 1e6 / verdict.entries
    finally:
        await database.close()
    assert verdict.broken is None
    return {
        "change_ms": round(plain, 2),
        "audited_change_ms": round(audited, 2),
        "entry_ms": round(audited - plain, 2),
        "verify_us_per_entry": round(verify_us),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder)))
    if "--json" in sys.argv:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name:24}{value:>10}")


if __name__ == "__main__":
    main()
