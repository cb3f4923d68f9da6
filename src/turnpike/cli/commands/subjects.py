"""Whom or what a limit, budget or policy is for, by the names that people use."""

import re

from turnpike.cli.client import Control
from turnpike.cli.commands.keys import find_key
from turnpike.errors import NotFound

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAMES = ("email", "display_name", "name")


async def id_of(control: Control, kind: str, text: str) -> str:
    """The id of a key, user, department or provider; of any other kind the text itself. Raises NotFound, and
    InvalidRequest where several keys are meant."""
    if kind == "key":
        return (await find_key(control, text))["id"]
    if kind not in ("user", "department", "provider") or _ID.fullmatch(text):
        return text
    if kind == "provider":
        return (await control.get(f"/api/v1/ai/providers/{text}")).data["id"]
    rows = await control.rows(f"/api/v1/{kind}s")
    found = [row["id"] for row in rows if any(row.get(name) == text for name in _NAMES)]
    if len(found) != 1:
        raise NotFound(f"{len(found) or 'no'} {kind}s are called {text!r}; name one by its id")
    return found[0]
