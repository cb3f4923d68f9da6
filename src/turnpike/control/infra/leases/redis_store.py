"""Leases in Redis: a Lua script for each step, by Redis' own clock.

Every script touches one key, so that a cluster may put each wherever it likes. Keys expire by themselves some time
after their window.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from turnpike.control.infra.leases import Clock, Errand, LeasesUnreachable, SeatErrand, Seats, Slice, Window
from turnpike.control.infra.redis_client import FAILURES, Client, open_client

PREFIX = "turnpike:"
TIMEOUT_S = 2.0

_Step = tuple[str, str, tuple[object, ...]]
"""A script, its key, its arguments."""

_NOW = """
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
"""
_RUNNING = (
    _NOW
    + """
local length = tonumber(ARGV[2])
local start = now - now % length
local known = redis.call('HMGET', KEYS[1], 'start', 'used')
local used = tonumber(known[2] or '0')
if known[1] then
  local last = tonumber(known[1])
  if start > last then used = 0
  elseif last - start <= length then start = last end
end
"""
)
_TAKE = (
    _RUNNING
    + """
local left = tonumber(ARGV[4]) - used
local part = math.max(tonumber(ARGV[6]), math.floor(left / tonumber(ARGV[5])))
local granted = math.max(0, math.min(tonumber(ARGV[3]), left, part))
used = used + granted
redis.call('HSET', KEYS[1], 'start', string.format('%.0f', start), 'used', string.format('%.0f', used))
redis.call('PEXPIRE', KEYS[1], length * 2 + 60000)
return {granted, used, start, start + length - now}
"""
)
_USED = _RUNNING + "return used"
_GIVE_BACK = """
if redis.call('HGET', KEYS[1], 'start') == ARGV[1] then
  local used = math.max(0, tonumber(redis.call('HGET', KEYS[1], 'used')) - tonumber(ARGV[2]))
  redis.call('HSET', KEYS[1], 'used', string.format('%.0f', used))
end
"""
_RESET = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'used', '0') end"
_HELD = (
    _NOW
    + """
local held = 0
local until_last = now
local rows = redis.call('HGETALL', KEYS[1])
for i = 1, #rows, 2 do
  local count, till = string.match(rows[i + 1], '^(%d+):(%d+)$')
  if tonumber(till) <= now or rows[i] == ARGV[2] then
    redis.call('HDEL', KEYS[1], rows[i])
  else
    held = held + tonumber(count)
    until_last = math.max(until_last, tonumber(till))
  end
end
"""
)
_HOLD = (
    _HELD
    + """
local given = math.max(0, math.min(tonumber(ARGV[3]), tonumber(ARGV[4]) - held))
if given > 0 then
  local till = now + tonumber(ARGV[5])
  redis.call('HSET', KEYS[1], ARGV[2], string.format('%.0f:%.0f', given, till))
  redis.call('PEXPIRE', KEYS[1], math.max(until_last, till) - now + 60000)
end
return {given, held + given}
"""
)
_SEATED = _HELD + "return held"


class RedisLeases:
    """Scripts are sent as they are and not by their digests: a node of a cluster that has not seen one yet would not
    run it."""

    def __init__(self, client: Client, clock: Clock | None = None) -> None:
        """`client` becomes this object's own: `close` closes it."""
        self._client = client
        self._clock = clock or (lambda: 0)

    async def take(self, window: Window, wanted: int, *, share: int = 1) -> Slice:
        (taken,) = await self.lend([Errand(window, wanted, share)])
        return taken

    async def lend(self, errands: Sequence[Errand]) -> list[Slice]:
        steps: list[_Step] = []
        places: list[int] = []
        for each in errands:
            window, key = each.window, _window_key(each.window)
            if each.back:
                steps.append((_GIVE_BACK, key, (each.back_start_ms, each.back)))
            places.append(len(steps))
            numbers = (self._clock(), window.length_ms, each.wanted, window.limit, each.share, each.least)
            steps.append((_TAKE, key, numbers))
        replies = await self._run(steps)
        return [Slice(*replies[place]) for place in places]

    async def sit(self, errands: Sequence[SeatErrand]) -> list[tuple[int, int]]:
        steps: list[_Step] = []
        for each in errands:
            numbers = (self._clock(), each.holder, each.wanted, each.seats.limit, each.ttl_ms)
            steps.append((_HOLD, _seats_key(each.seats), numbers))
        return [(given, seated) for given, seated in await self._run(steps)]

    async def give_back(self, window: Window, start_ms: int, amount: int) -> None:
        await self._run([(_GIVE_BACK, _window_key(window), (start_ms, amount))])

    async def used(self, windows: Sequence[Window]) -> list[int]:
        return await self._run([(_USED, _window_key(each), (self._clock(), each.length_ms)) for each in windows])

    async def reset(self, windows: Sequence[Window]) -> None:
        await self._run([(_RESET, _window_key(window), ()) for window in windows])

    async def hold(self, seats: Seats, holder: str, wanted: int, ttl_ms: int) -> int:
        ((given, _),) = await self.sit([SeatErrand(seats, holder, wanted, ttl_ms)])
        return given

    async def seated(self, seats: Sequence[Seats]) -> list[int]:
        return await self._run([(_SEATED, _seats_key(each), (self._clock(), "")) for each in seats])

    async def close(self) -> None:
        await self._client.aclose()

    async def _run(self, steps: Sequence[_Step]) -> list[Any]:
        """In one go; the answers in the same order."""
        if not steps:
            return []
        async with _reachable(), self._client.pipeline(transaction=False) as pipe:
            for script, key, arguments in steps:
                pipe.eval(script, 1, key, *map(str, arguments))
            return await pipe.execute()


def open_redis(address: str) -> RedisLeases:
    """As `open_client`. Nothing is connected before it is used."""
    return RedisLeases(open_client(address, connect_s=TIMEOUT_S, answer_s=TIMEOUT_S))


@asynccontextmanager
async def _reachable() -> AsyncIterator[None]:
    try:
        yield
    except FAILURES as error:
        raise LeasesUnreachable(
            "The Redis that limits are counted in does not answer at the moment.", retry_after_s=2
        ) from error


def _window_key(window: Window) -> str:
    return f"{PREFIX}window:{{{window.scope}|{window.resource}|{window.length_ms}}}"


def _seats_key(seats: Seats) -> str:
    return f"{PREFIX}seats:{{{seats.scope}}}"
