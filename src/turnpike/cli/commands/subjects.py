"""Whom or what is meant, by the names that people use: keys, people, departments, and what a limit, budget or policy is
for."""

import re
from typing import Any

from turnpike.cli.client import Control
from turnpike.errors import InvalidRequest, NotFound

KEYS = "/api/v1/keys"
USERS = "/api/v1/users"
DEPARTMENTS = "/api/v1/departments"
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


async def find_key(control: Control, text: str) -> dict[str, Any]:
    """The one key of that id, name or prefix. Raises NotFound, and InvalidRequest when several are meant."""
    rows = await control.rows(KEYS)
    called = [row for row in rows if text in (row["name"], row["prefix"])]
    found = [row for row in rows if text == row["id"]] or [row for row in called if row["status"] == "active"] or called
    return the_one(
        found,
        f"no API key {text!r}; `turnpike keys list --all` shows those that there are",
        f"{len(found)} keys are called {text!r}; name one by its id: {_ids(found)}",
    )


async def find_user(control: Control, text: str) -> dict[str, Any]:
    """The one person of that id, e-mail or name. Raises NotFound, and InvalidRequest when several are meant."""
    rows = await control.rows(USERS)
    sure = [row for row in rows if text == row["id"] or text.lower() == row["email"]]
    found = sure or [row for row in rows if text == row["display_name"]]
    return the_one(
        found,
        f"nobody is called {text!r}; `turnpike users list --all` shows everybody",
        f"{len(found)} people are called {text!r}; name one by e-mail or id: {_ids(found)}",
    )


async def find_department(control: Control, text: str) -> dict[str, Any]:
    """The one of that id, name or code. Raises NotFound, and InvalidRequest when several are meant."""
    rows = await control.rows(DEPARTMENTS)
    found = [row for row in rows if text in (row["id"], row["name"])] or [row for row in rows if text == row["code"]]
    return the_one(
        found,
        f"there is no department {text!r}; `turnpike departments list` shows those that there are",
        f"{len(found)} departments are called {text!r}; name one by its id: {_ids(found)}",
    )


async def id_of(control: Control, kind: str, text: str) -> str:
    """The id of a key, user, department or provider; of any other kind the text itself. Raises NotFound, and
    InvalidRequest where several are meant."""
    if kind == "key":
        return (await find_key(control, text))["id"]
    if kind not in ("user", "department", "provider") or _ID.fullmatch(text):
        return text
    if kind == "provider":
        return (await control.get(f"/api/v1/ai/providers/{text}")).data["id"]
    find = find_user if kind == "user" else find_department
    return (await find(control, text))["id"]


def the_one(found: list[dict[str, Any]], nothing: str, several: str) -> dict[str, Any]:
    """Raises NotFound and InvalidRequest with these words."""
    if not found:
        raise NotFound(nothing)
    if len(found) > 1:
        raise InvalidRequest(several)
    return found[0]


def _ids(rows: list[dict[str, Any]]) -> str:
    return ", ".join(str(row["id"]) for row in rows)
