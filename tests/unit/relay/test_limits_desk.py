"""The desk of limits when its line to control breaks and comes back."""

import asyncio

from turnpike.contract.leases import LeaseAnswer, LeaseAsk, SliceAnswer
from turnpike.contract.limits import LimitRule, Resource
from turnpike.contract.messages import ToControl
from turnpike.kit.grips import Grip
from turnpike.relay.limits.desk import Desk
from turnpike.relay.limits.meters import Seats

RULE = LimitRule("r", "global", "", Resource.REQUESTS, 10, 60)


class Line:
    """What the desk says, and a clock."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.is_up = True
        self.said: list[LeaseAsk] = []
        self.desk = Desk(lambda: self.now_s)
        self.desk.tell = self.tell

    def tell(self, message: ToControl) -> bool:
        if self.is_up:
            assert isinstance(message, LeaseAsk)
            self.said.append(message)
        return self.is_up

    def lend(self, granted: int) -> None:
        """Answers the oldest question."""
        ask = self.said.pop(0)
        self.desk.answered(LeaseAnswer(ask.id, (SliceAnswer(ask.asks[0].number, granted, granted, 0, 6_000),)))

    async def pass_s(self, seconds: float) -> None:
        """Sweeps as the relay does."""
        for _ in range(round(seconds * 10)):
            self.now_s += 0.1
            self.desk.sweep(self.now_s)
            await asyncio.sleep(0)


async def test_who_asks_for_nothing_learns_that_counting_goes_on() -> None:
    line = Line()
    meter = line.desk.meter(RULE, "")
    held = line.desk.grip(meter)
    line.is_up = False
    line.desk.lost()
    await line.pass_s(2)
    assert line.desk.away_since is not None

    line.is_up = True
    await line.pass_s(1)
    (ask,) = line.said
    slices = tuple(SliceAnswer(each.number, 1, 1, each.start_ms, 30_000) for each in ask.asks)
    line.desk.answered(LeaseAnswer(ask.id, slices))
    assert (line.desk.away_since, line.desk.state) == (None, "ok")
    assert meter.left == 1
    assert held is line.desk.grip(meter)


async def test_a_meter_is_forgotten_once_nobody_holds_it_and_nothing_of_it_is_lent() -> None:
    line = Line()
    meter = line.desk.meter(RULE, "")
    held = line.desk.grip(meter)
    line.desk.want(meter)
    await line.pass_s(0.2)
    (ask,) = line.said
    line.desk.answered(LeaseAnswer(ask.id, (SliceAnswer(meter.number, 1, 1, 1, 30_000),)))
    del held
    await line.pass_s(1.5)
    assert line.desk.meter(RULE, "") is meter  # one of it is lent
    await line.pass_s(40)
    assert line.desk.meter(RULE, "") is not meter


async def test_a_relay_that_limits_nothing_misses_nothing() -> None:
    line = Line()
    line.is_up = False
    line.desk.lost()
    await line.pass_s(1)
    assert (line.desk.away_since, line.said) == (None, [])


SEATS = LimitRule("c", "global", "", Resource.CONCURRENCY, 100, 0)


async def lent_seats(line: Line, count: int) -> tuple[Seats, Grip]:
    seats = line.desk.meter(SEATS, "")
    assert isinstance(seats, Seats)
    line.desk.want(seats)
    await line.pass_s(0.1)
    line.lend(count)
    return seats, line.desk.grip(seats)


async def test_seats_are_kept_for_as_many_as_there_were_at_a_time_of_late() -> None:
    line = Line()
    seats, held = await lent_seats(line, 9)
    seats.least = 1  # eight calls, which have ended
    await line.pass_s(0.2)
    assert line.said == []
    assert seats.left == 9

    await line.pass_s(1)
    assert line.said[0].asks[0].wanted < 9
    assert held is line.desk.grip(seats)


async def test_calls_that_come_one_by_one_do_not_each_ask_for_a_seat() -> None:
    line = Line()
    seats, held = await lent_seats(line, 1)
    for _ in range(10):
        assert seats.left >= 1
        seats.least = seats.left - 1  # as a call leaves it that comes and goes
        await line.pass_s(0.5)
        if line.said:
            line.lend(line.said[0].asks[0].wanted)

    for _ in range(4):  # nobody calls any more
        await line.pass_s(1)
        if line.said:
            line.lend(line.said[0].asks[0].wanted)
    assert (seats.granted, seats.left) == (0, 0)
    assert held is line.desk.grip(seats)
