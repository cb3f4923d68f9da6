"""Callers who spend a budget to its end, on kept connections, and how each of their calls ended."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

NANOUSD_PER_INPUT, NANOUSD_PER_OUTPUT = 1000, 2000
"""By the prices that `tests.support.installation` registers."""
INPUT_TOKENS = 4
"""Of the text below, as the simulator counts."""


def request(path: str, key: str, body: dict[str, Any]) -> bytes:
    raw = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body; raises asyncio.IncompleteReadError when the connection breaks."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    if b"transfer-encoding: chunked" in head:
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return status, body
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
    return status, await reader.readexactly(length)


@dataclass
class Spenders:
    """`callers` at once; each goes on until it is told that the budget is spent."""

    port: int
    key: str
    models: tuple[str, ...]
    words: int = 40
    max_tokens: int = 50
    callers: int = 200
    ends: Counter[str] = field(default_factory=Counter)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    answered: int = 0
    stop: bool = False

    @property
    def cost_nanousd(self) -> int:
        """Of one whole answer."""
        return INPUT_TOKENS * NANOUSD_PER_INPUT + self.words * NANOUSD_PER_OUTPUT

    def body(self, number: int) -> dict[str, Any]:
        text = f"count these words [words:{self.words}]"
        body = {
            "model": self.models[number % len(self.models)],
            "messages": [{"role": "user", "content": text}],
            "max_tokens": self.max_tokens,
        }
        return {**body, "stream": True} if number % 2 else body

    async def run(self, timeout_s: float = 120.0) -> None:
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*(self._spend(number) for number in range(self.callers)))

    async def _spend(self, number: int) -> None:
        while not self.stop:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            try:
                while not self.stop:
                    writer.write(request("/v1/chat/completions", self.key, self.body(number)))
                    number += 1
                    status, body = await answer_of(reader)
                    if await self._is_spent(status, body):
                        return
            except (asyncio.IncompleteReadError, ConnectionError):
                self.ends["broken"] += 1
                await asyncio.sleep(0.05)
            finally:
                writer.close()

    async def _is_spent(self, status: int, body: bytes) -> bool:
        if status == 200:
            self.answered += 1
            self.ends["answered"] += 1
            return False
        error = json.loads(body)["error"]
        self.ends[f"{status} {error['code']}"] += 1
        if error["code"] == "insufficient_quota":
            self.refusals.append(error)
            return True
        await asyncio.sleep(0.2)
        return False
