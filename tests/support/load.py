"""A bounded load on a gateway, and what each of its callers had in the end.

Callers are independent and patient: one whose connection breaks, or who is refused for the moment, goes on with its
next call. Every call has its own `x-request-id` and asks for its own number of tokens, so what must be in the ledger
for it is known in advance: a word is a token (docs/simulator.md).
"""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2

INPUT_TOKENS = 4
_NANOUSD_PER_INPUT, _NANOUSD_PER_OUTPUT = 1000, 2000
"""A dollar a million tokens is 1,000 nano-dollars a token (installation.PRICES_USD_PER_MILLION)."""


@dataclass(frozen=True)
class Kind:
    """A way to ask. `model` is the name at the gateway."""

    path: str
    model: str
    stream: bool


@dataclass
class Asked:
    """One call, and how it ended for its caller."""

    request_id: str
    kind: Kind
    output_tokens: int
    whole: bool = False
    """Status 200, and the answer came to its proper end."""
    end: str = "unfinished"
    """`whole`, a status, or what broke."""

    @property
    def cost_nanousd(self) -> int:
        return INPUT_TOKENS * _NANOUSD_PER_INPUT + self.output_tokens * _NANOUSD_PER_OUTPUT


@dataclass
class Load:
    """`callers` at once, each with a pause between two calls. Use as `async with`: it ends its callers."""

    url: str
    key: str
    kinds: tuple[Kind, ...]
    callers: int = 12
    pause_s: float = 0.02
    name: str = "load"
    asked: list[Asked] = field(default_factory=list)
    _numbers: Any = field(default_factory=count)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> "Load":
        self._tasks = [asyncio.create_task(self._caller()) for _ in range(self.callers)]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Lets running calls end."""
        self._stop.set()
        await asyncio.gather(*self._tasks)

    @property
    def ends(self) -> Counter[str]:
        return Counter(asked.end for asked in self.asked)

    def whole(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.whole]

    async def more_whole(self, number: int, timeout_s: float = 60.0) -> None:
        """Until so many more calls were answered whole: the gateway is at work."""
        wanted = len(self.whole()) + number
        async with asyncio.timeout(timeout_s):
            while len(self.whole()) < wanted:
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.02)

    async def _caller(self) -> None:
        while not self._stop.is_set():
            # A client for some calls: a relay that comes anew gets its share of the connections.
            async with httpx2.AsyncClient(base_url=self.url, timeout=30.0, trust_env=False) as http:
                for _ in range(10):
                    if self._stop.is_set():
                        return
                    await self._ask(http)
                    await asyncio.sleep(self.pause_s)

    async def _ask(self, http: httpx2.AsyncClient) -> None:
        number = next(self._numbers)
        kind = self.kinds[number % len(self.kinds)]
        asked = Asked(f"{self.name}-{number}", kind, 1 + number % 37)
        self.asked.append(asked)
        try:
            async with http.stream("POST", kind.path, json=self._body(asked), headers=self._headers(asked)) as answer:
                body = await answer.aread()
        except httpx2.TransportError as error:
            asked.end = type(error).__name__
            await asyncio.sleep(0.1)
            return
        if answer.status_code != 200:
            asked.end = str(answer.status_code)
            return
        asked.whole = _is_whole(kind, body.decode())
        asked.end = "whole" if asked.whole else "cut"

    def _headers(self, asked: Asked) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}", "x-request-id": asked.request_id}

    @staticmethod
    def _body(asked: Asked) -> dict[str, Any]:
        text = f"count these words [words:{asked.output_tokens}]"
        messages = [{"role": "user", "content": text}]
        body: dict[str, Any] = {"model": asked.kind.model, "messages": messages, "max_tokens": 1000}
        return {**body, "stream": True} if asked.kind.stream else body


def _is_whole(kind: Kind, text: str) -> bool:
    if not kind.stream:
        return "usage" in json.loads(text)
    if kind.path == "/v1/messages":
        return "event: message_stop\n" in text
    return text.endswith("data: [DONE]\n\n")
