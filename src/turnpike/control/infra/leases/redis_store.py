"""Leases in Redis: a Lua script for each step, by Redis' own clock.

Every script touches one key, so that a cluster may put each wherever it likes. Keys expire by themselves some time
after their window.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from turnpike.control.infra.leases import Clock, Errand, LeasesUnreachable, SeatErrand, Seats, Slice, Window
from turnpike.control.infra.redis_client import FAILURES

PREFIX = "turnpike:"
TIMEOUT_S = 2.0

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
    def __init__(self, client: "Redis", clock: Clock | None = None) -> None:
        """`client` becomes this object's own: `close` closes it."""
        self._client = client
        self._clock = clock or (lambda: 0)
        script = client.register_script
        self._take, self._used, self._give_back = script(_TAKE), script(_USED), script(_GIVE_BACK)
        self._reset, self._hold, self._seated = script(_RESET), script(_HOLD), script(_SEATED)

    async def take(self, window: Window, wanted: int, *, share: int = 1) -> Slice:
        (taken,) = await self.lend([Errand(window, wanted, share)])
        return taken

    async def lend(self, errands: Sequence[Errand]) -> list[Slice]:
        async with _reachable(), self._client.pipeline(transaction=False) as pipe:
            places: list[int] = []
            for each in errands:
                window, key = each.window, [_window_key(each.window)]
                if each.back:
                    await self._give_back(keys=key, args=[each.back_start_ms, each.back], client=pipe)
                places.append(len(pipe))
                numbers = [self._clock(), window.length_ms, each.wanted, window.limit, each.share, each.least]
                await self._take(keys=key, args=numbers, client=pipe)
            replies = await pipe.execute()
        return [Slice(*replies[place]) for place in places]

    async def sit(self, errands: Sequence[SeatErrand]) -> list[tuple[int, int]]:
        async with _reachable(), self._client.pipeline(transaction=False) as pipe:
            for each in errands:
                numbers = [self._clock(), each.holder, each.wanted, each.seats.limit, each.ttl_ms]
                await self._hold(keys=[_seats_key(each.seats)], args=numbers, client=pipe)
            return [(given, seated) for given, seated in await pipe.execute()]

    async def give_back(self, window: Window, start_ms: int, amount: int) -> None:
        await self._run(self._give_back, _window_key(window), start_ms, amount)

    async def used(self, windows: Sequence[Window]) -> list[int]:
        asks = [(_window_key(each), (self._clock(), each.length_ms)) for each in windows]
        return await self._all(self._used, asks)

    async def reset(self, windows: Sequence[Window]) -> None:
        for window in windows:
            await self._run(self._reset, _window_key(window))

    async def hold(self, seats: Seats, holder: str, wanted: int, ttl_ms: int) -> int:
        ((given, _),) = await self.sit([SeatErrand(seats, holder, wanted, ttl_ms)])
        return given

    async def seated(self, seats: Sequence[Seats]) -> list[int]:
        return await self._all(self._seated, [(_seats_key(each), (self._clock(), "")) for each in seats])

    async def close(self) -> None:
        await self._client.aclose()

    async def _all(self, script: Any, asks: Sequence[tuple[str, tuple[object, ...]]]) -> list[int]:
        """A key and arguments each, in one go."""
        async with _reachable(), self._client.pipeline(transaction=False) as pipe:
            for key, arguments in asks:
                await script(keys=[key], args=arguments, client=pipe)
            return await pipe.execute()

    async def _run(self, script: Any, key: str, *arguments: object) -> Any:
        async with _reachable():
            return await script(keys=[key], args=arguments)


def open_redis(address: str) -> RedisLeases:
    """`redis://`, `rediss://` or `unix://`. Nothing is connected before it is used."""
    return RedisLeases(Redis.from_url(address, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S))


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
