"""A route's session: one transaction a request, ended before the answer leaves.

A transaction that writes is where a request's conditions are judged (conditions.py) and its idempotency key is claimed
(idempotency.py): whatever route or domain it serves, the one and the other hold for it.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.services import ControlServices
from turnpike.control.web import conditions, idempotency
from turnpike.control.web.idempotency import Claim
from turnpike.control.web.principal import Services, caller_of


async def reading(request: Request, control: Services) -> AsyncIterator[ReadSession]:
    held: ReadSession | None = request.scope.get(conditions.SESSION)
    if held is not None:
        yield held
        return
    async with control.database.read() as session:
        yield session


@asynccontextmanager
async def _transaction(request: Request, control: ControlServices) -> AsyncIterator[tuple[WriteSession, Claim | None]]:
    async with control.database.write() as session:
        await conditions.hold(session, request)
        await conditions.check(session, request, required=control.settings.require_if_match)
        caller = caller_of(request)
        claim = None
        if request.method == "POST" and caller is not None:
            claim = await idempotency.claim(session, request, caller, control.sealer)
        yield session, claim
        if claim is not None:
            await claim.keep_answer(session)


async def writing(request: Request, control: Services) -> AsyncIterator[WriteSession]:
    async with _transaction(request, control) as (session, _):
        yield session


def transacting(request: Request, control: Services) -> "Begin":
    return partial(_transaction, request, control)


# "function": a commit that fails must still become an error answer.
Reading = Annotated[ReadSession, Depends(reading, scope="function")]
Writing = Annotated[WriteSession, Depends(writing, scope="function")]
Begin = Callable[[], AbstractAsyncContextManager[tuple[WriteSession, Claim | None]]]
Transaction = Annotated[Begin, Depends(transacting)]
"""The same for a route that has more to do when the transaction has ended. Its answer is made (`ok`) within it; whoever
makes another afterwards keeps that with the claim."""
