"""Many callers at once who ask in turn for the same few things, and what each call had in the end.

By hand over kept connections: a caller costs next to nothing, so that a second sees hundreds of calls.
"""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.http import CHAT, MESSAGES, Answer, caller_at, request


@dataclass(frozen=True)
class Ended:
    status: int
    whole: bool
    """Status 200, and the answer came to its proper end."""
    seconds: float
    attempts: int
    code: str | None = None


def asks(model: str, key: str) -> list[bytes]:
    """Requests for a model: two dialects, whole and streamed."""
    said = {"model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 20}
    return [
        request(path, {**said, "stream": stream} if stream else said, key=key)
        for path in (CHAT, MESSAGES)
        for stream in (False, True)
    ]


async def crowd(port: int, raws: Sequence[bytes], calls: int, *, callers: int = 16) -> list[Ended]:
    """So many calls, the requests in turn. Raises TimeoutError after a minute."""
    left = iter(range(calls))
    turns = itertools.cycle(raws)
    done: list[Ended] = []

    async def one() -> None:
        async with caller_at(port) as caller:
            for _ in left:
                began = time.monotonic()
                await caller.send(next(turns))
                done.append(_ended(await caller.answer(timeout_s=30), time.monotonic() - began))

    async with asyncio.timeout(60):
        await asyncio.gather(*(one() for _ in range(callers)))
    return done


async def crowd_for(port: int, raw: bytes, seconds: float, *, callers: int) -> list[Ended]:
    """As many calls as there is time for. Who is turned away comes again after a tenth of a second."""
    until = time.monotonic() + seconds
    done: list[Ended] = []

    async def one() -> None:
        async with caller_at(port) as caller:
            while time.monotonic() < until:
                began = time.monotonic()
                await caller.send(raw)
                done.append(_ended(await caller.answer(timeout_s=30), time.monotonic() - began))
                if done[-1].status != 200:
                    await asyncio.sleep(0.1)

    await asyncio.gather(*(one() for _ in range(callers)))
    return done


def _ended(answer: Answer, seconds: float) -> Ended:
    attempts = int(answer.headers.get("x-turnpike-attempts", 0))
    return Ended(answer.status, answer.status == 200 and _is_whole(answer), seconds, attempts, answer.code)


def _is_whole(answer: Answer) -> bool:
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return answer.body.endswith(b"}")
    return answer.whole and (
        answer.body.endswith(b"data: [DONE]\n\n") or b"event: message_stop\n" in answer.body[-200:]
    )


def share_whole(done: Sequence[Ended]) -> float:
    return sum(each.whole for each in done) / len(done)


def quantile_s(done: Sequence[Ended], share: float) -> float:
    return sorted(each.seconds for each in done)[min(len(done) - 1, int(len(done) * share))]
