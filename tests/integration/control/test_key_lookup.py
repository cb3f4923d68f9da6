"""Looking a key up takes the same steps and says the same whatever of it is right, so that no key is found piece by
piece: the database is asked for a keyed digest of the whole and sees nothing of the key."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from tests.support.control import Api, api, make_key
from turnpike.contract.grants import KEY_PREFIX
from turnpike.control.services import ControlServices
from turnpike.kit.crypto import random_text

Asked = list[tuple[str, str]]


@contextmanager
def overheard(services: ControlServices) -> Iterator[Asked]:
    """What the database is asked about keys: the statement, and its parameters as text."""
    asked: Asked = []

    def hear(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if "api_keys" in statement:
            asked.append((statement, repr(parameters)))

    engines = {services.database.readers.sync_engine, services.database.writers.sync_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    yield asked
    for engine in engines:
        event.remove(engine, "before_cursor_execute", hear)


def with_another(key: str, place: int) -> str:
    return key[:place] + ("A" if key[place] != "A" else "B") + key[place + 1 :]


async def test_how_much_of_a_key_is_right_does_not_tell(services: ControlServices, operator: Api) -> None:
    good = (await make_key(operator))["key"]
    first, middle, last = len(KEY_PREFIX), len(good) // 2, len(good) - 1
    wrong = [*(with_another(good, place) for place in (first, middle, last)), KEY_PREFIX + random_text(256), good[:-1]]
    seen: list[Any] = []
    for key in wrong:
        async with api(services, key) as caller:
            with overheard(services) as asked:
                answer = await caller.get("/api/v1/auth/me")
        error = answer.json()["error"]
        seen.append((answer.status_code, error["code"], error["message"], [statement for statement, _ in asked]))
        assert key[first : first + 8] not in str(asked)
        assert key[-8:] not in str(asked)
    status, code, _, statements = seen[0]
    assert (status, code, len(statements)) == (401, "UNAUTHENTICATED", 1)
    assert "digest IN" in statements[0]
    assert all(each == seen[0] for each in seen)
    async with api(services, good) as caller:
        assert (await caller.get("/api/v1/auth/me")).status_code == 200
