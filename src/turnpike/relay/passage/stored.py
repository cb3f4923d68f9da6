"""Ordinary model calls that touch stored objects: a response continued from a stored one, a chat with `store`, a file.

Before such a call goes out its objects are looked up, and it goes to the provider that holds them; what its provider
stores is written down as the caller's before the caller has the whole answer.
"""

import asyncio
from typing import TYPE_CHECKING, Any, cast

import msgspec

from turnpike.contract.objects import OwnedObject
from turnpike.errors import InvalidRequest, NotFound, TurnpikeError
from turnpike.kit.sse import SseOverflow, SseParser
from turnpike.wire.passage.kinds import derived_in
from turnpike.wire.passage.references import ITEMS, Reference, references_in
from turnpike.wire.passage.watched import Watched

if TYPE_CHECKING:
    from turnpike.relay.attempt import Attempt
    from turnpike.relay.call import Call

_decode = msgspec.json.Decoder().decode
_EVENTS_LOOKED_AT = 4
"""Of a stream's beginning, which names what is stored."""
_ENDS = ('"response.completed"', '"response.incomplete"')
"""Types of the events that hold a whole response, with all that it brought forth."""
_TRUE = b"true"
_ESCAPED = b"\\u00"
"""How JSON may write any letter of a field's name: `\\u0066ile_id`."""


def concerns(watched: Watched, call: "Call") -> bool:
    """Whether this call has to do with stored objects."""
    return watched.always or _stores(watched, call) or _names_objects(watched, call.body)


def _stores(watched: Watched, call: "Call") -> bool:
    return watched.kind is not None and bytes(getattr(call.fields, "store", b"")) == _TRUE


def _names_objects(watched: Watched, body: bytes | bytearray) -> bool:
    for needle in watched.needles:  # every chat comes by here: a generator would cost more than what it does
        if needle in body:
            return True
    # A letter may be written as an escape: only then is the body read for it.
    if b"\\" not in body or _ESCAPED not in body:  # the search for a single byte is the quick one
        return False
    return bool(watched.needles) and bool(references_in(watched.api, _json(body)))


def _json(body: bytes | bytearray) -> Any:
    """None for what is no JSON: a form names nothing."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class Stored:
    """What one call stores and names. Set on the call as `stored`."""

    def __init__(self, call: "Call", watched: Watched) -> None:
        self._call = call
        self._watched = watched
        self._stores = watched.always or _stores(watched, call)
        self._task: asyncio.Task[None] | None = None
        self._parser = SseParser()
        self._events = 0
        self._keeping: asyncio.Task[None] | None = None
        self._seen_whole = False

    # ---- before it is sent

    def begin(self) -> None:
        """Looks up what the body names; goes on with the call when that is known."""
        self._task = asyncio.ensure_future(self._begin())

    async def _begin(self) -> None:
        call = self._call
        try:
            holders = await self._holders()
            if holders:
                self._go_to(holders)
        except TurnpikeError as error:
            if not call.ended:
                call.refuse(error)
        except Exception as error:  # noqa: BLE001 - the last line of defence: a bug must not cost the caller its answer
            call.fault(error)
        else:
            if not call.ended:
                call.go_on()

    async def _holders(self) -> list[OwnedObject]:
        """Raises NotFound for what is not there or another's, InvalidRequest, Unavailable."""
        body = _json(self._call.body)
        wanted = references_in(self._watched.api, body) if body is not None else []
        if not self._call.plan.may_pass_as_it_is():
            wanted = [each for each in wanted if not each.by_the_way]
        if not wanted:
            return []
        found = await self._call.relay.owners.find((each.kind, each.object_id) for each in wanted)
        return [self._mine(each, found.get((each.kind, each.object_id), ())) for each in wanted]

    def _mine(self, reference: Reference, owned: tuple[OwnedObject, ...]) -> OwnedObject:
        user_id = self._call.entry.caller.user_id
        for each in owned:
            if each.owner.user_id == user_id:
                return each
        kind = reference.kind.partition(".")[2]
        instead = " Send the item itself, and not its id." if kind == ITEMS else ""
        raise NotFound(
            f"No object of '{kind}' with the id '{reference.object_id[:100]}' was found.{instead}",
            details={"param": reference.field},
        )

    def _go_to(self, holders: list[OwnedObject]) -> None:
        """Raises InvalidRequest when the model is not where the objects are."""
        call = self._call
        ids = {each.provider_id for each in holders}
        plan = call.plan.at(holders[0].provider_id, holders[0].credential_id) if len(ids) == 1 else None
        if plan is None:
            raise InvalidRequest(
                f"The objects that this request names are not at the provider that serves '{call.model}'.",
                details={"param": "model"},
            )
        call.plan = plan

    # ---- when it is answered

    def holds_back(self, attempt: "Attempt", body: bytes) -> bool:
        """True when the whole answer waits until it has an owner; `Call.answered` is called again then."""
        if self._keeping is not None:
            return False
        self._see(attempt, _json(body))
        if self._keeping is None:
            return False

        def go_on(_: object) -> None:
            if not self._call.ended:
                self._call.answered(attempt, body)

        self._keeping.add_done_callback(go_on)
        return True

    def watch(self, attempt: "Attempt", data: bytes) -> None:
        """Data of a stream goes by: what it stores is named in its first events, what that brought forth in its
        last one."""
        if self._seen_whole or not self._looks_on():
            return
        try:
            events = self._parser.feed(data)
        except SseOverflow:
            self._seen_whole = True
            return
        for event in events:
            self._events += 1
            ends = any(mark in event.data for mark in _ENDS)
            if not event.data.startswith("{") or not (ends or (self._keeping is None and self._begins)):
                continue
            answer = _json(event.data.encode())
            inner: Any = cast("dict[str, Any]", answer).get("response", answer) if isinstance(answer, dict) else None
            self._seen_whole = ends
            self._see(attempt, inner)

    @property
    def _begins(self) -> bool:
        return self._events <= _EVENTS_LOOKED_AT

    def _looks_on(self) -> bool:
        if self._keeping is None:
            return self._begins
        kind = self._watched.kind
        return kind is not None and bool(kind.derived)

    def holds_end(self, attempt: "Attempt", data: bytes) -> bool:
        """True when the stream's end waits; `Call.stream_ended` is called again then."""
        if self._keeping is None or self._keeping.done():
            return False

        def go_on(_: object) -> None:
            if not self._call.ended:
                self._call.stream_ended(attempt, data)

        self._keeping.add_done_callback(go_on)
        return True

    def _see(self, attempt: "Attempt", answer: Any) -> None:
        kind = self._watched.kind if self._stores else None
        if kind is None or not attempt.target.same or not isinstance(answer, dict):
            return
        fields = cast("dict[str, Any]", answer)
        identifier = fields.get("id")
        if not isinstance(identifier, str) or fields.get("store") is False:
            return
        served, caller = attempt.target.served, self._call.entry.caller
        pairs = [(kind.full_name, identifier), *derived_in(kind, fields)]
        made = [OwnedObject(served.provider_id, name, each, caller, served.credential_id) for name, each in pairs]
        self._keeping = asyncio.ensure_future(self._keep(made, self._keeping))

    async def _keep(self, made: list[OwnedObject], before: asyncio.Task[None] | None) -> None:
        """An answer that could not be written down is still the caller's: it only cannot be asked for again."""
        if before is not None:
            await before
        try:
            await self._call.relay.owners.keep(made)
        except TurnpikeError as error:
            self._call.relay.log.warning(
                "stored answer without owner", request_id=self._call.request_id, reason=error.code
            )
