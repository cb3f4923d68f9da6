"""The answer to a passed-through request, on its way to the caller: whole JSON, a stream of events, or bytes."""

from typing import TYPE_CHECKING, Any, cast

import msgspec

from turnpike.contract.events import Outcome
from turnpike.contract.objects import OwnedObject
from turnpike.errors import PolicyRefused, TurnpikeError, UpstreamError, UpstreamGarbage
from turnpike.kit.sse import SseOverflow, SseParser
from turnpike.relay.answer import AnswerHead
from turnpike.relay.passage.asked import error_dialect
from turnpike.relay.passage.fetch import Fetch
from turnpike.relay.passage.lists import Page, own_list
from turnpike.relay.passage.settle import settle_call
from turnpike.relay.redact import redact_bytes, redact_refusal
from turnpike.wire.passage.batches import read_state
from turnpike.wire.passage.kinds import Kind, derived_in, item_id, made_in
from turnpike.wire.passage.usage import merged, usage_in

if TYPE_CHECKING:
    from turnpike.relay.passage.call import PassageCall

_PASSED = (
    b"content-disposition", b"content-range", b"accept-ranges", b"etag", b"last-modified", b"cache-control",
)  # fmt: skip
_ERROR_AT_MOST = 1024 * 1024
_PARTIAL = 206
_BODILESS = frozenset((204, 304))
_CONTENT = frozenset(("content", "results", ":download"))
"""What follows an object whose bytes are asked for, of whatever type."""
_UNCOUNTED = frozenset(("cancel", "complete"))
"""What follows an object whose usage was counted when it was made."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


async def carry(call: "PassageCall", fetch: Fetch, head: AnswerHead) -> None:
    """From the answer's head to its end at the caller. Raises TurnpikeError while the caller has nothing of it."""
    if head.status >= 400:
        error = call.dialect.read_error(head.status, await fetch.whole(_ERROR_AT_MOST))
        error.retry_after_s = head.retry_after_s()
        redact_refusal(error, call.hidden)
        raise error
    if head.status == 101 or (300 <= head.status < 400 and head.status != 304):
        fetch.abort()
        raise UpstreamGarbage(f"The provider answered with status {head.status}, which leads elsewhere.")
    kind = (head.get(b"content-type") or b"").lower()
    if call.asked.method == b"HEAD":
        await _bodiless(call, fetch, head)
    elif head.is_of(b"text/event-stream"):
        await _events(call, fetch, head)
    elif _CONTENT & set(call.asked.place.tail[-1:]):
        await _bytes(call, fetch, head)
    elif kind.startswith(b"application/json") or (not kind and head.status not in _BODILESS):
        await _whole(call, fetch, head)
    elif call.asked.lists:
        fetch.abort()
        raise UpstreamGarbage("The provider's list is not JSON.")
    else:
        await _bytes(call, fetch, head)


# ---- whole


async def _whole(call: "PassageCall", fetch: Fetch, head: AnswerHead) -> None:
    body = await fetch.whole(call.relay.settings.response_limit_bytes)
    if body.strip():
        try:
            answer = _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamGarbage(f"The provider's answer is not JSON: {str(error)[:200]}.") from error
        if call.asked.lists:
            answer = await _list(call, answer)
            _lead_here(call, answer.get(call.asked.place.kind.list_field))
            body = _encode(answer)
        else:
            await _note(call, answer)
            if _lead_here(call, [answer]):
                body = _encode(answer)
        if call.guard is not None:
            body = call.guard.whole(body)
    call.end(head.status, _headers(call, head), redact_bytes(body, call.hidden))


def _lead_here(call: "PassageCall", items: Any) -> bool:
    """Addresses at the provider become the gateway's own. True when there was one."""
    kind = call.asked.place.kind
    changed = False
    for item in cast("list[Any]", items) if kind.links and isinstance(items, list) else ():
        name = item_id(kind, item)
        for field, what in kind.links:
            if name is not None and isinstance(item.get(field), str):
                item[field] = f"{call.address}/{name}/{what}"
                changed = True
    return changed


async def _list(call: "PassageCall", first: Any) -> Any:
    kind = call.asked.place.kind
    pending: list[Any] = [first]

    async def ask(query: str) -> Any:
        return pending.pop() if pending else await call.ask_again(query)

    async def keep(items: list[Any]) -> list[Any]:
        return await _own(call, kind, items)

    return await own_list(kind, call.query, ask, keep)


async def _own(call: "PassageCall", kind: Kind, items: list[Any]) -> list[Any]:
    """Those of the items that the caller may see; what they name as their outcome is theirs too."""
    ids = [item_id(kind, item) for item in items]
    found = await call.owners.find([(kind.full_name, each) for each in ids if each is not None])
    kept: list[Any] = []
    for item, identifier in zip(items, ids, strict=True):
        owned = call.mine(found.get((kind.full_name, identifier or ""), ()))
        if owned is None:
            continue
        kept.append(item)
        await _outcome(call, owned, item)
    return kept


async def _note(call: "PassageCall", answer: Any) -> None:
    """What was made, what ended, what was deleted, what it used."""
    asked = call.asked
    kind = asked.place.kind
    if asked.method == b"DELETE":
        if call.target is not None and not asked.place.tail:
            await call.owners.drop(call.target)
        return
    if call.target is not None and not kind.branches & set(asked.place.tail):
        await _outcome(call, call.target, answer)
    elif call.target is not None:
        await call.owners.keep(_owned(call, full_name, name, kind) for full_name, name in made_in(kind, answer))
    elif asked.creates and kind.keeps:
        await keep_made(call, kind, answer)
    if asked.method == b"POST" and not kind.usage_later and not _UNCOUNTED & set(asked.place.tail):
        call.used(usage_in(answer), answer)


async def keep_made(call: "PassageCall", kind: Kind, answer: Any) -> None:
    """Writes down whose the objects are that an answer shows to be new, before the caller has it."""
    pairs = made_in(kind, answer) if call.asked.place.is_collection else derived_in(kind, answer)
    if call.asked.is_upload or kind.api == "gemini":
        pairs = made_in(kind, answer)
    made = [_owned(call, full_name, identifier, kind) for full_name, identifier in pairs]
    await call.owners.keep(made)


def _owned(call: "PassageCall", full_name: str, identifier: str, kind: Kind) -> OwnedObject:
    is_itself = full_name == kind.full_name
    way = call.way
    later = kind.usage_later and is_itself
    charged = later and call.asked.creates
    if charged and call.holds:
        call.moved = True
    return OwnedObject(
        way.provider.id,
        full_name,
        identifier,
        call.entry.caller,
        way.credential.id if way.credential is not None else None,
        call.batch if is_itself else None,
        later,
        call.charged if charged else (),
        call.reserved_nanousd if charged and call.holds else 0,
    )


async def _outcome(call: "PassageCall", owned: OwnedObject, answer: Any) -> None:
    """An object is shown: what it names belongs to its owner, and when it has ended its cost can be found out."""
    kind = call.asked.place.kind
    named = derived_in(kind, answer)
    if named:
        await call.owners.keep(
            OwnedObject(owned.provider_id, full_name, identifier, owned.owner, owned.credential_id)
            for full_name, identifier in named
        )
    if owned.usage_later and isinstance(answer, dict) and read_state(kind.api, cast("Page", answer)).ended:
        call.owners.seen_to_end(owned)


# ---- in parts


async def _bytes(call: "PassageCall", fetch: Fetch, head: AnswerHead) -> None:
    if head.status in _BODILESS:
        await _bodiless(call, fetch, head)
        return
    if call.guard is not None and call.guard.watches:
        if head.status == _PARTIAL:
            call.guard.opaque()  # what it holds may have begun before it
        body = await fetch.whole(call.relay.settings.response_limit_bytes)
        call.end(head.status, _headers(call, head), call.guard.file(body))
        return
    call.commit(head.status, _headers(call, head))
    async for data in fetch.parts():
        call.connection.stream(data)
    call.end_stream()


async def _bodiless(call: "PassageCall", fetch: Fetch, head: AnswerHead) -> None:
    """An answer to HEAD (asked for with GET: the parser cannot be told that no body follows), 204, 304."""
    fetch.abort()
    headers = _headers(call, head)
    length = head.get(b"content-length")
    if call.asked.method == b"HEAD" and length is not None and not call.asked.lists:
        headers += b"content-length: " + length + b"\r\n"
    if call.asked.method == b"DELETE":
        await _note(call, None)
    settle_call(call, Outcome.OK, head.status)
    call.connection.answer_bodiless(head.status, headers)


async def _events(call: "PassageCall", fetch: Fetch, head: AnswerHead) -> None:
    """Events go on as they come, after what they make has an owner, and as far as guards let them."""
    parser = SseParser()
    guarded = call.guard.stream() if call.guard is not None else None
    call.streams = True
    try:
        async for data in fetch.parts():
            for event in parser.feed(data):
                await _event(call, event.data)
            shown = redact_bytes(data, call.hidden)
            out, refusal = (shown, None) if guarded is None else guarded.feed(shown)
            if not _streamed(call, head, out, refusal):
                fetch.abort()
                return
        if guarded is not None and not _streamed(call, head, *guarded.end()):
            return
    except (SseOverflow, TurnpikeError) as error:
        if not call.committed:
            raise error if isinstance(error, TurnpikeError) else UpstreamGarbage(str(error)) from error
        told = error if isinstance(error, UpstreamError) else UpstreamGarbage("The provider's stream cannot be read.")
        _break_off(call, Outcome.CUT, told)
        return
    if not call.committed:
        call.commit(head.status, _headers(call, head))
    call.end_stream()


def _streamed(call: "PassageCall", head: AnswerHead, out: bytes, refusal: PolicyRefused | None) -> bool:
    """Passes events on. False when a guard has ended the answer. Raises PolicyRefused while the caller has nothing."""
    if refusal is not None and not out and not call.committed:
        raise refusal
    if not call.committed and (out or call.guard is None):
        call.commit(head.status, _headers(call, head))
    if out:
        call.connection.stream(out)
    if refusal is not None:
        _break_off(call, Outcome.REFUSED, refusal)
    return refusal is None


def _break_off(call: "PassageCall", outcome: Outcome, error: TurnpikeError) -> None:
    settle_call(call, outcome, 200, error.code)
    call.connection.end_stream(error_dialect(call.asked.api).write_stream_error(error, call.request_id))


async def _event(call: "PassageCall", data: str) -> None:
    if not data.startswith("{"):
        return
    try:
        event: Any = _decode(data)
    except (msgspec.DecodeError, RecursionError):
        return
    if call.asked.creates and call.asked.place.kind.keeps and call.made_by_stream < _LOOKED_AT:
        call.made_by_stream += 1
        inner = event.get("response") or event.get("data") or event
        await keep_made(call, call.asked.place.kind, inner)
    usage = usage_in(event)
    if usage is not None:
        call.used(merged(call.usage, usage), event)


_LOOKED_AT = 4
"""Of a stream's events, for what they make: it stands in the first ones."""


def _headers(call: "PassageCall", head: AnswerHead) -> bytes:
    kind = head.get(b"content-type")
    lines = [b"content-type: " + kind] if kind else []
    lines += [name + b": " + value for name in _PASSED if (value := head.get(name)) is not None]
    lines += [
        b"x-turnpike-provider: " + call.way.provider.slug.encode(),
        b"x-request-id: " + call.request_id.encode(),
    ]
    return redact_bytes(b"\r\n".join(lines) + b"\r\n" + call.extra_headers, call.hidden)
