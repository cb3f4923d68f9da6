"""What a passed-through request asks for, read from its method and path alone."""

from typing import TYPE_CHECKING

import msgspec

from turnpike.errors import Forbidden, InvalidRequest, MethodNotAllowed, NotFound
from turnpike.relay.endpoints import Kind as RouteKind
from turnpike.relay.endpoints import route_of
from turnpike.relay.head import RequestHead
from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.passage.family import roots_of
from turnpike.wire.passage.kinds import Place, place_of
from turnpike.wire.passage.paths import DEFAULT_VERSION, Api, read_segments, without_version
from turnpike.wire.passage.refused import refusal

if TYPE_CHECKING:
    from turnpike.relay.catalog import Catalog

METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE")
_ERRORS: dict[Api, str] = {
    Api.OPENAI: "openai_chat",
    Api.ANTHROPIC: "anthropic_messages",
    Api.GEMINI: "gemini",
}
_UPLOAD = "upload"
_ONLY_ANTHROPIC = (b"/v1/messages/", b"/v1/complete")


class Asked(msgspec.Struct):
    api: Api
    provider: str | None
    """The slug that the caller's path begins with."""
    prefix: str
    """What it begins with, slug or API; empty for neither."""
    method: bytes
    segments: tuple[str, ...]
    """Behind the version."""
    is_upload: bool
    """Gemini's uploads stand at paths of their own: `/upload/v1beta/files`."""
    place: Place

    @property
    def creates(self) -> bool:
        return self.method in (b"POST", b"PUT") and self.place.object_id is None

    @property
    def lists(self) -> bool:
        return self.method in (b"GET", b"HEAD") and self.place.is_collection

    @property
    def label(self) -> str:
        """For the ledger: method and path without anything that the caller chose."""
        return f"{self.method.decode()} {self.place.pattern}"


def api_of(head: RequestHead, catalog: "Catalog") -> Api:
    """By the path's prefix, else by what only one API's callers send, else by what the named provider speaks."""
    path = head.path
    if head.prefix in tuple(Api):
        return Api(head.prefix)
    if path.startswith((b"/v1beta/", b"/v1alpha/", b"/upload/")):
        return Api.GEMINI
    if head.header(b"anthropic-version") is not None or path.startswith(_ONLY_ANTHROPIC):
        return Api.ANTHROPIC
    named = next((each for each in catalog.providers.values() if head.prefix and each.slug == head.prefix), None)
    spoken = list(roots_of(named.operations)) if named is not None else []
    return spoken[0] if spoken and Api.OPENAI not in spoken else Api.OPENAI


def error_dialect(api: Api) -> Dialect:
    """In whose form errors are written."""
    return DIALECTS.get(_ERRORS[api]) or DIALECTS["openai_chat"]


def read_asked(head: RequestHead, api: Api) -> Asked:
    """Raises InvalidRequest, MethodNotAllowed, NotFound, and Forbidden for what is never passed on."""
    if head.method not in METHODS or head.is_websocket:
        raise MethodNotAllowed(f"This path takes {', '.join(each.decode() for each in METHODS)} over plain HTTP.")
    segments = read_segments(head.path)
    is_upload = api is Api.GEMINI and segments[0] == _UPLOAD
    segments = without_version(segments[1:] if is_upload else segments)
    why = refusal(api, segments)
    if why is not None:
        raise Forbidden(f"This path is not passed on for anyone: {why}.", details={"path": "/" + "/".join(segments)})
    _check_spelling(head.method, api, segments)
    place = place_of(api, segments)
    if place is None:
        raise NotFound("There is no such path here.")
    slug = head.prefix if head.prefix and head.prefix not in tuple(Api) else None
    return Asked(api, slug, head.prefix, head.method, segments, is_upload, place)


def _check_spelling(method: bytes, api: Api, segments: tuple[str, ...]) -> None:
    """A path that the gateway answers itself, in an odd spelling, is not a way round. Raises InvalidRequest."""
    for spelled in ("/".join(segments), "/".join(segments).lower()):
        path = f"/{DEFAULT_VERSION[api]}/{spelled}".encode()
        if route_of(method, path).kind is not RouteKind.PASSAGE:
            raise InvalidRequest(f"Send this path in its plain form: {path.decode()}.")
