"""/api/v1/events: events as they happen, as far as the caller may see them."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from turnpike.control.domains.events.service import Following
from turnpike.control.events.kinds import is_pattern
from turnpike.control.events.streams import EventStreams
from turnpike.control.web.principal import AnyKey, Principal, Services, look_again
from turnpike.errors import InvalidRequest

router = APIRouter(prefix="/api/v1/events", tags=["events"])
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no", "x-turnpike-endless": "1"}
"""The last one is for the relay, which does not wait for this answer's end when it stops, and takes it away."""
_NUMBER = r"^\d{1,18}$"
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Server-sent events."}
}


class EventResponse(StreamingResponse):
    """Counts among the streams as long as it lasts, also where its caller leaves before the first part."""

    media_type = "text/event-stream"

    def __init__(self, following: Following, streams: EventStreams) -> None:
        super().__init__(following.parts(), headers=dict(_HEADERS))
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.entered():
            await super().__call__(scope, receive, send)


@router.get("", response_class=StreamingResponse, responses=_ANSWER)
async def follow_events(
    actor: AnyKey,
    control: Services,
    request: Request,
    types: Annotated[list[str] | None, Query(max_length=50, description="Only these: `key.*`, `budget.alert`.")] = None,
    last_event_id: Annotated[str | None, Header(pattern=_NUMBER, description="Where to go on.")] = None,
    after: Annotated[
        str | None, Query(pattern=_NUMBER, description="The same, for who cannot send the header.")
    ] = None,
) -> EventResponse:
    """Server-sent events: one's own, as a department's administrator those of the department, as an administrator
    all. Without a place to go on from it begins with the next event; it ends with the session."""
    for name in types or ():
        if not is_pattern(name):
            raise InvalidRequest(f"types: {name[:64]!r} is no event type", details={"param": "types"})
    control.streams.check_room()
    given = last_event_id or after
    head = await control.streams.newest()

    async def again() -> Principal:
        return await look_again(request, actor)

    # A number from before the database was set up anew would wait for ever.
    start = head if given is None else min(int(given), head)
    return EventResponse(Following(control, actor, again, after=start, types=types or []), control.streams)
