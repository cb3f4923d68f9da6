"""One request of SCIM: the protocol by scim2-server, what is stored by users.py and groups.py. Imported with the first
request only (provision.py)."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from pydantic import ValidationError
from scim2_models import (
    Error,
    NotImplementedException,
    PatchOp,
    Resource,
    ResourceType,
    ResponseParameters,
    SCIMException,
    SearchRequest,
)
from scim2_server.handler import AsyncScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService
from scim2_server.storage import AsyncScimStorage, SearchPage

from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.scim.groups import Groups
from turnpike.control.domains.scim.mappings import Ceiling
from turnpike.control.domains.scim.resources import PROVIDER
from turnpike.control.domains.scim.tokens import ScimClient
from turnpike.control.domains.scim.users import Users
from turnpike.control.rights.roles import NOTHING

Answer = tuple[int, dict[str, str], dict[str, Any] | None]
_READ_ONLY = frozenset(("id", "meta", "schemas", "groups"))
_NAMES = frozenset(("display",))
REFUSALS = (SCIMException, ValidationError)


class _Service(ScimService):
    def read_patch(self, resource_type: ResourceType, body: bytes, content_type: str | None) -> "PatchOp[Any]":
        return super().read_patch(resource_type, _without_read_only(body), content_type)

    def patch_response(
        self, base_url: str, resource: Resource[Any], response_parameters: ResponseParameters[Any]
    ) -> ScimResponse:
        """The whole resource, where the RFC would be content with nothing: Okta reads it."""
        return self.replacement_response(base_url, resource, response_parameters)


_SERVICE = _Service(PROVIDER)
NOBODY = Ceiling("nobody", NOTHING, None)


class Storage(AsyncScimStorage):
    """In the transaction of one request. A session that only reads is never asked to write: the methods of HTTP that
    lead here differ."""

    def __init__(self, session: ReadSession, most: Ceiling) -> None:
        self._kinds: dict[str, Users | Groups] = {"User": Users(session, most), "Group": Groups(session, most)}

    def _kind(self, resource_type: ResourceType) -> Any:
        return self._kinds[str(resource_type.name)]

    async def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        return await self._kind(resource_type).get(resource_id, shown(response_parameters))

    async def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None
    ) -> SearchPage:
        if len(resource_types) != 1:
            raise NotImplementedException(detail="Search people or groups; both at a time is not possible here.")
        return await self._kind(resource_types[0]).search(search_request, shown(search_request))

    async def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        return await self._kind(resource_type).create(resource)

    async def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        return await self._kind(resource_type).update(resource, expected_version)

    async def delete(
        self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None
    ) -> None:
        await self._kind(resource_type).delete(resource_id, expected_version)


def _without_read_only(body: bytes) -> bytes:
    """Okta names a group's id among what it replaces, and members by their names too. What nobody can change is passed
    over there, as in a PUT."""
    try:
        asked: Any = msgspec.json.decode(body)
        for operation in asked["Operations"]:
            value: Any = operation.get("value")
            if not operation.get("path"):
                _drop(value, _READ_ONLY)
                value = value.get("members") if isinstance(value, dict) else None
            elif not str(operation["path"]).lower().startswith("members"):
                continue
            for each in value if isinstance(value, list) else [value]:
                _drop(each, _NAMES)
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return body  # it is refused by who reads it, with the reason
    return msgspec.json.encode(asked)


def _drop(value: Any, names: frozenset[str]) -> None:
    if isinstance(value, dict):
        members: dict[str, Any] = value
        for name in [each for each in members if each.lower() in names]:
            del members[name]


def shown(parameters: ResponseParameters[Any] | None) -> frozenset[str]:
    """What need not be read for an answer, of what is dear to read: `members`, `groups`."""
    if parameters is None:
        return frozenset()
    dear = {"members", "groups"}
    if parameters.attributes:
        wanted = {_head(path) for path in parameters.attributes}
        return frozenset(dear - wanted)
    return frozenset(dear & {str(path).rpartition(":")[2].lower() for path in parameters.excluded_attributes or ()})


def _head(path: object) -> str:
    return str(path).rpartition(":")[2].partition(".")[0].partition("[")[0].lower()


def asked(  # noqa: PLR0917 - a request's parts
    method: str, base_url: str, path: str, query: Mapping[str, str], headers: Iterable[tuple[str, str]], body: bytes
) -> ScimRequest:
    return ScimRequest(method, base_url, f"/{path}", query, [*headers], body)


async def serve(session: ReadSession | WriteSession, client: ScimClient | None, request: ScimRequest) -> Answer:
    """Raises REFUSALS, or an error of ours; nothing is committed then."""
    storage = Storage(session, client.ceiling if client is not None else NOBODY)
    return _answer(await AsyncScimHandler(_SERVICE, storage).handle(request), request)


def refused(request: ScimRequest, refusal: Exception) -> Answer:
    """The answer to one of REFUSALS."""
    if isinstance(refusal, ValidationError):
        refusal = SCIMException.from_error(Error.from_validation_errors(refusal)[0])
    return _answer(_SERVICE.error_response(refusal), request)


def _answer(response: ScimResponse, request: ScimRequest) -> Answer:
    headers = dict(response.headers)
    headers.setdefault("Location", request.url)
    return int(response.status), headers, response.body
