"""Whom a command means, by the names that people use: the same words find the same person or department everywhere."""

from typing import Any, cast

import pytest

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import find_department, find_user, id_of
from turnpike.errors import InvalidRequest, NotFound

ROWS: dict[str, list[dict[str, Any]]] = {
    "/api/v1/users": [
        {"id": "u1", "email": "ada@example.com", "display_name": "Ada"},
        {"id": "u2", "email": None, "display_name": "Bob"},
        {"id": "u3", "email": None, "display_name": "Bob"},
    ],
    "/api/v1/departments": [
        {"id": "d1", "name": "Hats", "code": "H-1"},
        {"id": "d2", "name": "H-1", "code": None},
        {"id": "d3", "name": "Caps", "code": "C-1"},
    ],
}


class _Listing:
    async def rows(self, path: str) -> list[dict[str, Any]]:
        return ROWS[path]


CONTROL = cast("Control", _Listing())


@pytest.mark.parametrize(
    ("kind", "text", "meant"),
    [
        ("user", "ADA@example.com", "u1"),
        ("user", "Ada", "u1"),
        ("user", "u3", "u3"),
        ("department", "Hats", "d1"),
        ("department", "H-1", "d2"),
        ("department", "C-1", "d3"),
        ("tag", "Hats", "Hats"),
    ],
)
async def test_a_name_an_address_or_a_code_says_who_is_meant(kind: str, text: str, meant: str) -> None:
    assert await id_of(CONTROL, kind, text) == meant


async def test_nobody_and_several_are_told_apart() -> None:
    for kind in ("user", "department"):
        with pytest.raises(NotFound):
            await id_of(CONTROL, kind, "nobody")
    with pytest.raises(InvalidRequest, match="u2, u3"):
        await id_of(CONTROL, "user", "Bob")
    assert (await find_user(CONTROL, "u2"))["id"] == "u2"
    assert (await find_department(CONTROL, "d1"))["id"] == "d1"
