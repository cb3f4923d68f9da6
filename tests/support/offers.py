"""Calls offered at a steady rate on kept connections, and what became of each."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Offered:
    sent: float
    """Seconds of the wall clock, by which windows are aligned."""
    answered: float
    status: int
    head: str
    """In lower case."""


async def offer(
    urls: list[str], key: str, model: str, *, rate: float, seconds: float, connections: int = 16
) -> list[Offered]:
    """`rate` calls a second over all connections, dealt out to the addresses in turn."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 3}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    call = head.encode() + body
    done: list[Offered] = []
    gap = connections / rate
    until = time.time() + seconds

    async def one_connection(number: int) -> None:
        address = urlsplit(urls[number % len(urls)])
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        due = time.time() + gap * number / connections
        try:
            while due < until:
                await asyncio.sleep(max(0.0, due - time.time()))
                sent = time.time()
                writer.write(call)
                try:
                    answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                    length = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
                    await reader.readexactly(length)
                except (OSError, EOFError):
                    return  # its relay died
                done.append(Offered(sent, time.time(), int(answer.split(" ", 2)[1]), answer))
                due += gap
        finally:
            writer.close()

    async with asyncio.timeout(seconds + 30):
        await asyncio.gather(*(one_connection(number) for number in range(connections)))
    return done


async def window_begins(length_s: float) -> None:
    """Returns just after a window of that length has begun."""
    await asyncio.sleep(length_s - time.time() % length_s + 0.02)


def statuses(done: list[Offered]) -> Counter[int]:
    return Counter(each.status for each in done)


def most_in_a_window(done: list[Offered], length_s: float) -> int:
    """Admitted calls that lie in one window for sure, from being sent to being answered."""
    counts: Counter[int] = Counter()
    for each in done:
        if each.status == 200 and each.sent // length_s == each.answered // length_s:
            counts[int(each.sent // length_s)] += 1
    return max(counts.values(), default=0)
