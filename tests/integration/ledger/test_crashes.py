"""kill -9 of a real drain at random moments, a database that goes away, and any order of events: exactly once."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.support.databases import PostgresServer, private_folder_for_postgres, test_settings
from tests.support.journals import JournalWriter, event_id, files_left
from tests.support.ledgers import assert_totals_are_the_sum_of_rows, count_rows, ledger_rows
from turnpike.contract.events import Outcome
from turnpike.contract.processes import READY_LINE
from turnpike.control.db.engine import open_engines
from turnpike.control.db.migrate import upgrade
from turnpike.control.drain.__main__ import NICE
from turnpike.control.drain.board import Board
from turnpike.control.drain.courtesy import PATIENCE_S, Turnstile
from turnpike.control.drain.drain import Drain
from turnpike.control.drain.runner import DrainRunner
from turnpike.control.drain.state import DrainState
from turnpike.control.drain.writers import open_writer
from turnpike.kit.files import private_folder
from turnpike.settings import Settings


def _board(settings: Settings) -> Board:
    private_folder(settings.run_dir)
    return Board(settings)


def _start_drain(settings: Settings) -> subprocess.Popen[str]:
    private_folder(settings.run_dir)
    process = subprocess.Popen(
        [sys.executable, "-m", "turnpike.control.drain"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(settings.to_child() + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == READY_LINE + "\n"
    return process


def _kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.stdout.close()


async def _drain_to_the_end(settings: Settings) -> DrainState:
    state, writer = DrainState(), open_writer(settings)
    drain = Drain(settings.journal_dir, writer, state, charge_interrupted=True)
    try:
        await drain.turn()
    finally:
        drain.close()
        await writer.close()
    return state


async def test_every_call_is_in_exactly_one_row_though_the_drain_is_killed_again_and_again(settings: Settings) -> None:
    dice = random.Random(20260530)
    calls: set[bytes] = set()
    left_open: set[bytes] = set()
    relays = [JournalWriter(settings.journal_dir, segment_bytes=16 * 1024) for _ in range(2)]
    for _ in range(4):
        process = _start_drain(settings)
        until = time.monotonic() + dice.uniform(0.05, 0.35)
        while time.monotonic() < until:
            relay = dice.choice(relays)
            calls.update(relay.call() for _ in range(dice.randrange(40)))
            if dice.random() < 0.1:
                left_open.add(relay.open(event_id()))
            if dice.random() < 0.1 and left_open:
                call = left_open.pop()
                calls.add(dice.choice(relays).settle(call))
            await asyncio.sleep(0.002)
        _kill(process)
        if dice.random() < 0.5:
            relays.pop(0).die()
            relays.append(JournalWriter(settings.journal_dir, segment_bytes=16 * 1024))
    for relay in relays:
        relay.die()
    await _drain_to_the_end(settings)
    rows = await ledger_rows(settings)
    ids = [row["event_id"] for row in rows]
    assert len(ids) == len(set(ids))
    assert set(ids) == calls | left_open
    await assert_totals_are_the_sum_of_rows(settings)
    assert files_left(settings.journal_dir) == []


async def test_the_runner_drains_and_what_is_there_when_it_stops(settings: Settings) -> None:
    runner = DrainRunner(settings)
    await runner.start()
    with JournalWriter(settings.journal_dir) as relay:
        relay.call()
        async with asyncio.timeout(10):
            while runner.state.rows < 1:
                await asyncio.sleep(0.01)
        for _ in range(50):
            relay.call()
    await runner.stop()
    assert not runner.state.running
    assert await count_rows(settings) == 51
    assert files_left(settings.journal_dir) == []


async def test_stopping_a_runner_that_never_started_is_nothing(sqlite_settings: Settings) -> None:
    await DrainRunner(sqlite_settings).stop()


async def test_the_process_shows_control_how_it_is_and_drains_what_is_there_when_it_is_told_to_stop(
    settings: Settings,
) -> None:
    board = _board(settings)
    assert not board.state().running
    process = _start_drain(settings)
    with JournalWriter(settings.journal_dir) as relay:
        relay.call()
        async with asyncio.timeout(20):
            while board.state().rows < 1:
                await asyncio.sleep(0.01)
        assert board.state().running
        assert board.state().lag_s < 5
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + NICE, 19)
        for _ in range(50):
            relay.call()
    process.terminate()
    assert await asyncio.to_thread(process.wait, 20) == 0
    _kill(process)
    assert not board.state().running
    assert await count_rows(settings) == 51
    assert files_left(settings.journal_dir) == []


async def test_a_drain_that_was_killed_is_seen_not_to_run(sqlite_settings: Settings) -> None:
    board = _board(sqlite_settings)
    process = _start_drain(sqlite_settings)
    async with asyncio.timeout(20):
        while not board.state().running:
            await asyncio.sleep(0.01)
    _kill(process)
    assert not board.state().running


async def test_controls_writers_are_let_through_first_from_another_process(sqlite_settings: Settings) -> None:
    """Each of the two has the page mapped for itself, as two processes have."""
    _, engine = open_engines(sqlite_settings)
    Turnstile(_board(sqlite_settings).memory).watch(engine)
    drains = Turnstile(_board(sqlite_settings).memory)
    assert not drains.wanted
    async with engine.begin():
        assert drains.wanted
        began = time.monotonic()
        await drains.let_pass()
        assert time.monotonic() - began >= PATIENCE_S
    assert not drains.wanted
    await engine.dispose()


# ---- a database that goes away


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[tuple[PostgresServer, Settings]]:
    """A server of this test's own, because it is stopped."""
    with private_folder_for_postgres() as home:
        server = PostgresServer(home)
        made = test_settings(tmp_path, database_url=SecretStr(server.address(server.create())))
        asyncio.run(upgrade(made))
        yield server, made
        server.start()
        server.close()


@pytest.mark.postgres
def test_journals_wait_while_postgres_is_stopped_and_nothing_is_lost(
    own_postgres: tuple[PostgresServer, Settings],
) -> None:
    server, settings = own_postgres
    asyncio.run(_through_an_outage(server, settings))


async def _through_an_outage(server: PostgresServer, settings: Settings) -> None:
    runner = DrainRunner(settings)
    await runner.start()
    with JournalWriter(settings.journal_dir, segment_bytes=16 * 1024) as relay:
        for _ in range(20):
            relay.call()
        async with asyncio.timeout(20):
            while runner.state.rows < 20:
                await asyncio.sleep(0.02)
        await asyncio.to_thread(server.stop)
        for _ in range(200):
            relay.call()
        async with asyncio.timeout(20):
            while runner.state.error is None or not runner.state.backlog_bytes:
                await asyncio.sleep(0.02)
        assert runner.state.rows == 20
        assert len(files_left(settings.journal_dir)) > 5
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(30):
            while runner.state.rows < 220:
                await asyncio.sleep(0.05)
        assert runner.state.error is None
    await runner.stop()
    assert await count_rows(settings) == 220
    await assert_totals_are_the_sum_of_rows(settings)


async def test_a_locked_sqlite_database_is_waited_for(sqlite_settings: Settings) -> None:
    other = sqlite3.connect(sqlite_settings.data_dir / "turnpike.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    runner = DrainRunner(sqlite_settings)
    await runner.start()
    with JournalWriter(sqlite_settings.journal_dir) as relay:
        relay.call()
        await asyncio.sleep(0.3)
        assert runner.state.rows == 0
        other.execute("ROLLBACK")
        other.close()
        async with asyncio.timeout(15):
            while runner.state.rows < 1:
                await asyncio.sleep(0.02)
    await runner.stop()
    assert await count_rows(sqlite_settings) == 1


# ---- any order of events

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.integers(0, 1)),
        st.tuples(st.just("retry"), st.integers(0, 1)),
        st.tuples(st.just("settle"), st.integers(0, 1)),
        st.tuples(st.just("refuse"), st.integers(0, 1)),
        st.tuples(st.just("roll"), st.integers(0, 1)),
        st.tuples(st.just("die"), st.integers(0, 1)),
        st.tuples(st.just("drain"), st.just(0)),
        st.tuples(st.just("crash"), st.just(0)),
    ),
    max_size=40,
)


class _World:
    """Two relays, one drain, and what should be in the ledger."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.relays = [JournalWriter(settings.journal_dir, segment_bytes=4096) for _ in range(2)]
        self.open: list[list[bytes]] = [[], []]
        self.settled: set[bytes] = set()
        self.interrupted: set[bytes] = set()
        self.writer = open_writer(settings)
        self.drain = self._new_drain()

    def _new_drain(self) -> Drain:
        return Drain(self.settings.journal_dir, self.writer, DrainState(), charge_interrupted=True)

    async def step(self, action: str, at: int) -> None:
        relay, calls = self.relays[at], self.open[at]
        match action:
            case "open":
                calls.append(relay.open(event_id()))
            case "retry" if calls:
                relay.open(calls[0], attempt=2)
            case "settle" if calls:
                self.settled.add(relay.settle(calls.pop(0)))
            case "refuse":
                self.settled.add(relay.settle(event_id()))
            case "roll":
                relay.roll()
            case "die":
                self._die(at)
            case "drain":
                await self.drain.turn()
            case "crash":
                self.drain.close()
                self.drain = self._new_drain()
            case _:
                pass

    def _die(self, at: int) -> None:
        self.relays[at].die()
        self.interrupted.update(self.open[at])
        self.open[at] = []
        self.relays[at] = JournalWriter(self.settings.journal_dir, segment_bytes=4096)

    async def end(self) -> None:
        for at in range(2):
            self._die(at)
            self.relays[at].die()
        await self.drain.turn()
        self.drain.close()
        await self.writer.close()
        rows = {row["event_id"]: row["outcome"] for row in await ledger_rows(self.settings)}
        assert rows == {
            **dict.fromkeys(self.settled, Outcome.OK),
            **dict.fromkeys(self.interrupted, Outcome.INTERRUPTED),
        }
        await assert_totals_are_the_sum_of_rows(self.settings)
        assert files_left(self.settings.journal_dir) == []


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
def test_any_order_of_calls_rolls_deaths_and_crashes_ends_in_one_row_a_call(
    sqlite_template: Path, steps: list[tuple[str, int]]
) -> None:
    folder = Path(tempfile.mkdtemp())
    shutil.copy(sqlite_template, folder / "turnpike.db")

    async def play() -> None:
        world = _World(test_settings(folder))
        for action, at in steps:
            await world.step(action, at)
        await world.end()

    try:
        asyncio.run(play())
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
