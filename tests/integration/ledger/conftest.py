"""Fixtures of the ledger's tests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from turnpike.control.drain.drain import Drain
from turnpike.control.drain.state import DrainState
from turnpike.control.drain.writers import LedgerWriter, open_writer
from turnpike.settings import Settings

DrainOnce = Callable[[], Awaitable[DrainState]]


@pytest.fixture
def journals(settings: Settings) -> Path:
    return settings.journal_dir


@pytest.fixture
async def writer(settings: Settings) -> AsyncIterator[LedgerWriter]:
    opened = open_writer(settings)
    yield opened
    await opened.close()


@pytest.fixture
async def drain(settings: Settings, writer: LedgerWriter) -> AsyncIterator[Drain]:
    """One that goes on living, as in a running control."""
    made = Drain(settings.journal_dir, writer, DrainState(), charge_interrupted=True)
    yield made
    made.close()


@pytest.fixture
def drain_again(settings: Settings, writer: LedgerWriter) -> DrainOnce:
    """A new drain each time, as after a crash of control: it knows nothing and reads everything on disk."""

    async def once() -> DrainState:
        state = DrainState()
        made = Drain(settings.journal_dir, writer, state, charge_interrupted=True)
        try:
            await made.turn()
            made.measure()
        finally:
            made.close()
        return state

    return once
