"""Which rule said no, in a few words for the ledger: the error's code tells only of what kind it was.

Made of ids, names that administrators gave, and numbers; never of what a caller sent.
"""

from collections.abc import Mapping
from typing import Any, cast

from turnpike.errors import TurnpikeError

_LONGEST = 255


def reason_of(error: TurnpikeError) -> str | None:
    """`limit=...`, `budget=...`, `policy=...` or `scope=...` with what belongs to it, apart by semicolons; None where
    the code says it all."""
    details = error.details
    if not details:
        return None
    limit = details.get("limit")
    if isinstance(limit, Mapping):
        facts = cast("Mapping[str, Any]", limit)
        found = {"limit": facts.get("id"), **{name: facts.get(name) for name in _OF_LIMITS}}
    elif "budget" in details:
        found = {name: details.get(name) for name in ("budget", "kind", "period")}
    elif "policy" in details:
        found = {name: details.get(name) for name in ("policy", "guard", "kind", "where")}
    elif "scope" in details:
        found = {"scope": details["scope"]}
    else:
        return None
    return ";".join(f"{name}={value}" for name, value in found.items() if value not in (None, ""))[:_LONGEST]


_OF_LIMITS = ("subject", "name", "resource", "amount", "window_s")
