"""One child process, with a stand-in for the program."""

import asyncio
import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.servers import QUICK, plain_start_s, standin, string_log, until_async
from turnpike.kit.files import process_lives
from turnpike.kit.logs import Log
from turnpike.supervisor.child import Backoff, Child, ChildSpec, StartFailed


def child(*argv: str, log: Log | None = None, backoff: Backoff = QUICK, **values) -> Child:
    return Child(ChildSpec(name="thing", argv=argv, **values), log or string_log()[0], backoff)


async def test_a_child_is_ready_when_it_says_so():
    one = child(*standin("control"))
    one.start()
    await asyncio.wait_for(one.wait_ready(), 10)
    assert one.ready
    pid = one.pid
    await one.stop()
    assert not process_lives(pid)
    assert not one.ready


async def test_a_killed_child_is_back_as_soon_as_it_can_start():
    # The machine that tests run on is busy: the best of a few counts.
    slower_s = [await restart_s() - plain_start_s() for _ in range(5)]
    assert min(slower_s) < 0.15, slower_s


async def restart_s() -> float:
    """From a kill until the next one is ready."""
    one = child(*standin("control"), backoff=Backoff())
    one.start()
    await asyncio.wait_for(one.wait_ready(), 10)
    first = one.pid
    assert first is not None
    began = time.monotonic()
    os.kill(first, signal.SIGKILL)
    await until_async(lambda: one.ready and one.pid not in (first, None), "it is back")
    took_s = time.monotonic() - began
    await one.stop()
    assert one.starts == 2
    return took_s


async def test_a_child_that_ends_with_an_error_before_it_was_ready_is_not_started_again():
    one = child(*standin("control", fail=3))
    one.start()
    with pytest.raises(StartFailed, match="thing did not start \\(exit code 3\\)"):
        await asyncio.wait_for(one.wait_ready(), 10)
    await asyncio.sleep(0.2)
    assert one.starts == 1


async def test_a_program_that_is_not_there_fails_the_start():
    one = child("/no/such/program")
    one.start()
    with pytest.raises(StartFailed):
        await asyncio.wait_for(one.wait_ready(), 10)


async def test_a_child_that_keeps_dying_is_restarted_after_ever_longer_waits():
    log, out = string_log()
    one = child("sh", "-c", "echo turnpike-ready; exit 1", log=log)
    one.start()
    await until_async(lambda: one.starts >= 4, "four starts")
    await one.stop()
    delays = [line["delay_s"] for line in map(json.loads, out.getvalue().splitlines()) if "delay_s" in line]
    assert delays[0] == 0
    assert all(delay > 0 for delay in delays[1:])


def test_the_wait_grows_to_its_cap_with_jitter():
    backoff = Backoff(base_s=1, cap_s=8)
    assert backoff.delay_s(1) == 0
    assert 0.5 <= backoff.delay_s(2) <= 1
    assert 1 <= backoff.delay_s(3) <= 2
    assert all(4 <= backoff.delay_s(deaths) <= 8 for deaths in (5, 6, 50, 10_000))
    assert len({backoff.delay_s(9) for _ in range(20)}) > 1


async def test_a_child_that_was_stable_is_restarted_at_once_again():
    one = child("sh", "-c", "echo turnpike-ready; sleep 0.1", backoff=Backoff(base_s=60, cap_s=60, stable_after_s=0.05))
    one.start()
    await until_async(lambda: one.starts >= 4, "four starts")
    await one.stop()


async def test_a_child_that_ignores_sigterm_is_killed_after_its_time():
    one = child(*standin("control", stop="never"), stop_timeout_s=0.2)
    one.start()
    await asyncio.wait_for(one.wait_ready(), 10)
    pid = one.pid
    await asyncio.wait_for(one.stop(), 5)
    assert not process_lives(pid)


async def test_a_child_can_be_stopped_while_it_waits_for_its_next_start():
    one = child("sh", "-c", "echo turnpike-ready; exit 1", backoff=Backoff(base_s=60, cap_s=60))
    one.start()
    await until_async(lambda: one.starts == 2 and one.pid is None, "it waits")
    await asyncio.wait_for(one.stop(), 1)
    assert one.starts == 2


async def test_a_grandchild_that_keeps_the_pipes_does_not_delay_a_restart():
    one = child("sh", "-c", "sleep 3 & echo turnpike-ready; kill -9 $$")
    one.start()
    await until_async(lambda: one.starts >= 2, "it is started again", timeout_s=1.5)
    await one.stop()


async def test_settings_reach_the_child_and_no_log_or_repr(tmp_path: Path):
    log, out = string_log()
    taken = tmp_path / "taken"
    one = child("sh", "-c", f"head -n1 > {taken}; echo turnpike-ready; cat", settings_line='{"a":"secret"}', log=log)
    one.start()
    await asyncio.wait_for(one.wait_ready(), 10)
    await one.stop()
    assert taken.read_text() == '{"a":"secret"}\n'
    assert "secret" not in out.getvalue()
    assert "secret" not in repr(one.spec)


async def test_what_a_child_says_besides_is_logged():
    log, out = string_log()
    one = child("sh", "-c", "echo turnpike-ready; echo hello; cat", log=log)
    one.start()
    await until_async(lambda: '"hello"' in out.getvalue(), "the line is there")
    await one.stop()
