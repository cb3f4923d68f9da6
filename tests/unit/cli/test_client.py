"""The client against a small application on a real unix socket: what it takes off, and what it makes of failures."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.servers import settings_for
from turnpike.cli.client import Answered, Control, open_control, over_socket
from turnpike.errors import Conflict, Unavailable
from turnpike.kit.files import FileLock, private_folder
from turnpike.settings import Settings

OK = {"success": True, "data": {"a": 1}, "message": "done", "error": None, "meta": {"request_id": "r"}}


@asynccontextmanager
async def answering(settings: Settings, *answers: tuple[int, object]) -> AsyncIterator[list[str]]:
    """Serves these answers one after the other on the admin socket; yields the request lines that came."""
    private_folder(settings.run_dir)
    waiting, seen = list(answers), []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                seen.append(head.split(b"\r\n")[0].decode())
                status, body = waiting.pop(0)
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%s" % (status, len(raw), raw))
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_unix_server(answer, settings.admin_socket)
    async with server:
        yield seen


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path / "data")


async def call(settings: Settings, *answers: tuple[int, object]) -> object:
    async with answering(settings, *answers), open_control(settings) as control:
        return await control.get("/x")


async def test_the_envelope_is_taken_off(settings: Settings):
    async with answering(settings, (200, OK)) as seen, open_control(settings) as control:
        reply = await control.get("/x", a="b c", none=None)
    assert (reply.data, reply.message, reply.meta) == ({"a": 1}, "done", {"request_id": "r"})
    assert seen in (["GET /x?a=b+c HTTP/1.1"], ["GET /x?a=b%20c HTTP/1.1"])


async def test_a_refusal_carries_controls_own_words(settings: Settings):
    error = {"code": "CONFLICT", "message": "there is one", "details": {"param": "slug"}}
    with pytest.raises(Answered, match="there is one") as caught:
        await call(settings, (409, {"success": False, "data": None, "error": error, "meta": {}}))
    assert (caught.value.status, caught.value.code, caught.value.details) == (409, "CONFLICT", {"param": "slug"})


async def test_an_answer_that_is_no_json_is_told_as_such(settings: Settings):
    with pytest.raises(Answered, match="answered 502 with no JSON"):
        await call(settings, (502, b"<html>"))


async def test_every_page_of_a_list_is_read(settings: Settings):
    def page(rows: list[int]) -> tuple[int, object]:
        meta = {"pagination": {"page": 1, "per_page": 2, "total": 3, "pages": 2}}
        return 200, {"success": True, "data": [{"n": row} for row in rows], "meta": meta}

    async with answering(settings, page([1, 2]), page([3])) as seen, open_control(settings) as control:
        assert [row["n"] for row in await control.rows("/x")] == [1, 2, 3]
    assert ["page=1" in seen[0], "page=2" in seen[1]] == [True, True]


async def test_a_control_that_is_gone_is_said_to_be(settings: Settings):
    private_folder(settings.run_dir)
    async with over_socket(settings) as control:
        with pytest.raises(Unavailable, match="control does not answer"):
            await control.get("/x")


async def test_a_folder_that_a_silent_program_holds_is_named_with_its_holder(settings: Settings):
    private_folder(settings.data_dir)
    with FileLock(settings.lock_file).acquire({"program": "something"}), pytest.raises(Conflict, match="something"):
        async with open_control(settings, wait_s=0.2):
            pass


async def test_a_server_that_is_just_starting_is_waited_for(settings: Settings):
    private_folder(settings.data_dir)

    async def start_later() -> None:
        await asyncio.sleep(0.3)
        async with answering(settings, (200, OK)):
            await asyncio.sleep(1)

    with FileLock(settings.lock_file).acquire({"program": "turnpike serve"}):
        task = asyncio.create_task(start_later())
        async with open_control(settings, wait_s=5) as control:
            assert isinstance(control, Control)
            assert (await control.get("/x")).data == {"a": 1}
        await task
