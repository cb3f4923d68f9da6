"""Runs what a command has to do against control."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from turnpike.cli.client import Control, open_control
from turnpike.cli.configuration import load_settings
from turnpike.cli.options import Common

T = TypeVar("T")


def with_control(common: Common, work: Callable[[Control], Awaitable[T]]) -> T:
    settings = load_settings(common)

    async def run() -> T:
        async with open_control(settings) as control:
            return await work(control)

    return asyncio.run(run())
