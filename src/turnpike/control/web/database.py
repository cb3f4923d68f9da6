"""A route's session: one transaction a request, ended before the answer leaves."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends

from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.web.principal import Services


async def _read(control: Services) -> AsyncIterator[ReadSession]:
    async with control.database.read() as session:
        yield session


async def _write(control: Services) -> AsyncIterator[WriteSession]:
    async with control.database.write() as session:
        yield session


# "function": a commit that fails must still become an error answer.
Reading = Annotated[ReadSession, Depends(_read, scope="function")]
Writing = Annotated[WriteSession, Depends(_write, scope="function")]
