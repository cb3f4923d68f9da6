"""What limited keys cost a relay: bytes of memory for each key in use, and microseconds for each call.

    python -m bench.limited_keys [number of keys] [--json]

Each key has the rules of a tier: requests a minute and an hour, tokens a minute, calls at once. Its gate is made, a
slice is lent, and a call passes. Writes bench/results/limited_keys.json. One process, one core.
"""

import asyncio
import gc
import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from turnpike.contract.leases import LeaseAnswer, LeaseAsk, SliceAnswer
from turnpike.contract.limits import LimitRule, Resource, Subject
from turnpike.relay.gates.limits import LimitsGate, build_limits
from turnpike.relay.limits import Desk
from turnpike.relay.limits.rules import RuleBook
from turnpike.wire.bounds import Bound, contents_of
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.operations import Operation
from turnpike.wire.prices import Rates
from turnpike.wire.types.usage import Usage

_KEYS = 50_000
_ROUNDS, _TIMES = 15, 2000
_RESULT = Path(__file__).parent / "results" / "limited_keys.json"
_TEXT = "What is the capital of France, and since when has it been, and who decided it? " * 4
_BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": _TEXT}], "max_tokens": 100}).encode()
_TIER = (
    LimitRule("a", Subject.TIER, "pro", Resource.REQUESTS, 1_000_000, 60),
    LimitRule("b", Subject.TIER, "pro", Resource.REQUESTS, 1_000_000_000, 3600),
    LimitRule("c", Subject.TIER, "pro", Resource.TOKENS, 1_000_000_000, 60),
    LimitRule("d", Subject.TIER, "pro", Resource.CONCURRENCY, 1_000_000),
)


class _Call:
    """As much of a call as a gate of limits sees."""

    units = 1
    ended = False
    relay: Any = SimpleNamespace(wall_offset_ms=0.0)
    head: Any = SimpleNamespace(tags=())

    def __init__(self, fields: Any) -> None:
        self._fields = fields
        self.holds: tuple[Any, ...] = ()
        self.extra_headers = b""

    def expected(self, resource: str) -> int:
        return 1

    def bound_tokens(self, bounds: tuple[Bound, ...]) -> int | None:
        return bounds[0].tokens_of(self._fields, contents_of(_BODY), answers=True)

    def go_on(self) -> None:
        """Its slices came; what it holds is with it."""

    def ends(self) -> None:
        for hold in self.holds:
            hold.release(self, _USED, 1)
        self.holds = ()
        self.extra_headers = b""


_USED = Usage(input_tokens=80, output_tokens=40)


def _rss_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _desk() -> Desk:
    """One whose truth lends whatever is asked for."""
    desk = Desk(time.monotonic)
    desk.book = RuleBook(_TIER)

    def tell(message: Any) -> bool:
        assert isinstance(message, LeaseAsk)
        slices = tuple(SliceAnswer(each.number, max(each.wanted, 1), 1, 7, 3_600_000) for each in message.asks)
        asyncio.get_running_loop().call_soon(desk.answered, LeaseAnswer(message.id, slices))
        return True

    desk.tell = tell
    return desk


def _gate(desk: Desk, number: int, plan: Any) -> LimitsGate:
    caller = SimpleNamespace(key_id=f"{number:036d}", user_id=f"{number:036d}", department_id=None)
    entry: Any = SimpleNamespace(limits=(), tier="pro", caller=caller)
    route: Any = SimpleNamespace(operation=Operation.CHAT, label="/v1/chat/completions", dialect_name="openai_chat")
    relay: Any = SimpleNamespace(limits=desk)
    gate = build_limits(relay, entry, route, plan)
    assert gate is not None
    return gate


async def _memory(keys: int) -> float:
    desk, plan = _desk(), _plan()
    fields = DIALECTS["openai_chat"].read_head(_BODY)
    before = _rss_bytes()
    gates: list[LimitsGate] = []
    for number in range(keys):
        gate = _gate(desk, number, plan)
        call: Any = _Call(fields)
        gate.enter(call)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        call.ends()
        gates.append(gate)
    return (_rss_bytes() - before) / keys


def _plan() -> Any:
    target = SimpleNamespace(bound=Bound(Rates(1000, 2000), 128_000, 16_000), served=SimpleNamespace(model="m"))
    return SimpleNamespace(model="m", targets=[target])


async def _time(*rules: LimitRule) -> float:
    """Microseconds of processor time for a call to enter and be settled."""
    desk = _desk()
    desk.book = RuleBook(rules)
    gate = _gate(desk, 1, _plan())
    call: Any = _Call(DIALECTS["openai_chat"].read_head(_BODY))
    best = float("inf")
    for _ in range(_ROUNDS):
        for meter in desk._meters.values():  # pyright: ignore[reportPrivateUsage] - as if lent plenty
            meter.left, meter.low, meter.until, meter.ends = 10**9, 0, time.monotonic() + 60, time.monotonic() + 60
        began = time.process_time()
        for _ in range(_TIMES):
            gate.enter(call)
            call.ends()
        best = min(best, time.process_time() - began)
    return round(best / _TIMES * 1e6, 2)


async def measure(keys: int) -> dict[str, object]:
    requests, hourly, tokens, seats = _TIER
    return {
        "keys": keys,
        "bytes_a_key": round(await _memory(keys)),
        "microseconds_a_call": {
            "requests": await _time(requests),
            "requests, two windows, calls at once": await _time(requests, hourly, seats),
            "tokens": await _time(tokens),
            "all four": await _time(*_TIER),
        },
    }


def main(words: list[str]) -> int:
    numbers = [int(word) for word in words if word.isdecimal()]
    found = asyncio.run(measure(numbers[0] if numbers else _KEYS))
    _RESULT.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=None if "--json" in words else 1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
