"""A copy of a call, sent to another deployment: its answer is thrown away, its cost is in the ledger under an event of
its own and in its caller's budgets. It never delays or fails the call that it is a copy of, and takes nothing of its
caller's limits; limits of the deployment that it goes to hold for it too.
"""

import asyncio
from random import random
from typing import TYPE_CHECKING

from turnpike.relay.call import Call
from turnpike.relay.caller_end import InnerEnd
from turnpike.relay.money.gate import build as build_money

if TYPE_CHECKING:
    from turnpike.errors import TurnpikeError
    from turnpike.relay.attempt import Attempt
    from turnpike.relay.routing.plan import Plan

_AT_ONCE = 256
"""Copies that a relay has under way; beyond that none is made."""


class Mirrors:
    """The copies that a relay has under way."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: set[MirrorCall] = set()

    def __len__(self) -> int:
        return len(self._open)

    def offer(self, call: Call, share: float, plan: "Plan") -> None:
        """Copies the call, if the draw says so. Forms, and calls that have to do with stored objects, are not."""
        if random() >= share:  # noqa: S311 - a draw, no secret
            return
        if type(call) is not Call or call.stored is not None or len(self._open) >= _AT_ONCE:
            return
        copy = MirrorCall(call, plan, self._open)
        self._open.add(copy)
        asyncio.get_running_loop().call_soon(copy.begin)


class MirrorCall(Call):
    def __init__(self, original: Call, plan: "Plan", under_way: "set[MirrorCall]") -> None:
        super().__init__(original.relay, InnerEnd("", self.over), original.head, original.body)
        self.mirror_of = original.event_id
        self.request_id, self.request_id_raw = original.request_id, original.request_id_raw
        self.entry = original.entry
        self.identified = True
        self.dialect = original.dialect
        self.stream_type = original.stream_type
        self.fields = original.fields
        self.model = original.model
        self.streams = original.streams
        self.plan = plan
        self._under_way = under_way

    def begin(self) -> None:
        money = build_money(self.relay, self.entry, self.route, self.plan)
        if money is not None:
            self._gates = (money,)
        self._guarded(self._pass_gates)

    def _may_retry(self, attempt: "Attempt", error: "TurnpikeError") -> bool:
        return False

    def over(self, status: int, body: bytes) -> None:
        """What it was answered goes nowhere."""
        self._under_way.discard(self)
