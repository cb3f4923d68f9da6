"""A process that was started before anybody knew what to tell it."""

import asyncio
from pathlib import Path

import pytest

from tests.support.servers import string_log, until
from turnpike.kit.files import process_lives
from turnpike.supervisor import early
from turnpike.supervisor.child import Child, ChildSpec


@pytest.fixture(autouse=True)
def _nothing_left():
    yield
    early.drop()


async def test_a_child_takes_the_process_that_waits_and_tells_it_its_settings(tmp_path: Path):
    taken = tmp_path / "taken"
    argv = ("sh", "-c", f"head -n1 > {taken}; echo turnpike-ready; cat")
    early.start(argv)
    waiting = early.take(argv)
    assert waiting is not None
    early._waiting[argv] = waiting
    child = Child(ChildSpec("thing", argv, settings_line="told"), string_log()[0])
    child.start()
    await asyncio.wait_for(child.wait_ready(), 10)
    assert child.pid == waiting.pid
    assert taken.read_text() == "told\n"
    await child.stop()


def test_it_is_taken_once():
    early.start(("cat",))
    process = early.take(("cat",))
    assert process is not None
    assert early.take(("cat",)) is None
    process.abandon()


def test_one_that_died_while_it_waited_is_not_taken():
    early.start(("true",))
    until(lambda: early._waiting[("true",)].ended, "it has ended")
    assert early.take(("true",)) is None


def test_what_nobody_took_is_ended():
    early.start(("cat",))
    pid = early._waiting[("cat",)].pid
    early.drop()
    assert not process_lives(pid)
