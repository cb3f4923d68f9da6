"""/api/v1/keys: as far as one's permissions reach; and /api/v1/keys/current, where any key looks after itself."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Query

from turnpike.contract.scopes import SCOPES
from turnpike.control.domains.keys.repository import KeyFilter, ShownKey
from turnpike.control.domains.keys.schemas import (
    KeyBody,
    KeyPatch,
    KeyView,
    NewKeyView,
    RotateBody,
    millis,
    view_key,
    view_new_key,
)
from turnpike.control.domains.keys.service import KeyService
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import UUID
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import AnyKey, May, Principal, Services
from turnpike.errors import InvalidRequest

router = APIRouter(prefix="/api/v1/keys", tags=["keys"])
SHOWN_ONCE = "Keep this key now: it is not shown again."


def _service(control: Services) -> KeyService:
    return KeyService(control.settings, control.sealer)


Keys = Annotated[KeyService, Depends(_service)]
Viewer = Annotated[Principal, Depends(May(Permission.VIEW_KEYS))]
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_KEYS))]
Rotation = Annotated[RotateBody | None, Body()]


def _view(shown: ShownKey) -> KeyView:
    return view_key(shown)


def _new(made: tuple[ShownKey, str]) -> Envelope[NewKeyView]:
    shown, key = made
    return ok(view_new_key(shown, key), SHOWN_ONCE)


def _values(body: KeyBody | KeyPatch) -> dict[str, object]:
    values = body.given() if isinstance(body, KeyPatch) else body.model_dump()
    if "expires_at" in body.model_fields_set:
        values["expires_at_ms"] = millis(body.expires_at)
    values.pop("expires_at", None)
    return values


@router.get("")
async def list_keys(
    actor: Viewer,
    keys: Keys,
    session: Reading,
    page: Paged,
    search: Search = None,
    user_id: Annotated[str | None, Query(pattern=UUID)] = None,
    status: Literal["active", "rotated", "expired", "revoked"] | None = None,
    scope: Annotated[str | None, Query(max_length=64)] = None,
    sort: Sort = None,
) -> Envelope[list[KeyView]]:
    if scope is not None and scope not in SCOPES:
        raise InvalidRequest(f"scope: take one of {', '.join(SCOPES)}", details={"param": "scope"})
    rows, total = await keys.find(session, actor.scope, KeyFilter(search, user_id, status, scope), sort, page)
    return page_of([_view(row) for row in rows], page, total)


@router.post("", status_code=201)
async def create_key(actor: Manager, keys: Keys, session: Writing, body: KeyBody) -> Envelope[NewKeyView]:
    return _new(await keys.create(session, actor, _values(body)))


@router.get("/own")
async def list_own_keys(
    actor: AnyKey,
    keys: Keys,
    session: Reading,
    page: Paged,
    search: Search = None,
    status: Literal["active", "rotated", "expired", "revoked"] | None = None,
    sort: Sort = None,
) -> Envelope[list[KeyView]]:
    """All keys of the person who asks, with the tier and budgets of each."""
    rows, total = await keys.find(session, actor.scope, KeyFilter(search, actor.person(), status, None), sort, page)
    return page_of([_view(row) for row in rows], page, total)


@router.get("/current")
async def get_own_key(actor: AnyKey, keys: Keys, session: Reading) -> Envelope[KeyView]:
    """The key that this request was made with."""
    return ok(_view(await keys.get(session, actor.scope, _own(actor))))


@router.post("/current/rotate", status_code=201)
async def rotate_own_key(actor: AnyKey, keys: Keys, session: Writing, body: Rotation = None) -> Envelope[NewKeyView]:
    """A successor of the key that this request was made with; the old one works on for the grace period."""
    return _new(await keys.rotate(session, actor, _own(actor), body.grace_hours if body else None))


@router.post("/current/claim", status_code=201)
async def claim_own_successor(actor: AnyKey, keys: Keys, session: Writing) -> Envelope[NewKeyView]:
    """The successor that the rotation policy made for this key: handed out once."""
    return _new(await keys.claim(session, actor, _own(actor)))


@router.get("/{key_id}")
async def get_key(actor: Viewer, keys: Keys, session: Reading, key_id: PathId) -> Envelope[KeyView]:
    return ok(_view(await keys.get(session, actor.scope, key_id.lower())))


@router.patch("/{key_id}")
async def change_key(actor: Manager, keys: Keys, session: Writing, key_id: PathId, body: KeyPatch) -> Envelope[KeyView]:
    return ok(_view(await keys.change(session, actor, key_id.lower(), _values(body))))


@router.delete("/{key_id}")
async def revoke_key(actor: Manager, keys: Keys, session: Writing, key_id: PathId) -> Envelope[KeyView]:
    """Revokes it, for ever; the row stays, because the ledger speaks of it."""
    return ok(_view(await keys.revoke(session, actor, key_id.lower())), "The key is revoked.")


@router.post("/{key_id}/rotate", status_code=201)
async def rotate_key(
    actor: Manager, keys: Keys, session: Writing, key_id: PathId, body: Rotation = None
) -> Envelope[NewKeyView]:
    return _new(await keys.rotate(session, actor, key_id.lower(), body.grace_hours if body else None))


@router.post("/{key_id}/claim", status_code=201)
async def claim_successor(actor: Manager, keys: Keys, session: Writing, key_id: PathId) -> Envelope[NewKeyView]:
    return _new(await keys.claim(session, actor, key_id.lower()))


def _own(actor: Principal) -> str:
    if actor.key_id is None:
        raise InvalidRequest("This request was made without a key; name one: /api/v1/keys/{id}")
    return actor.key_id
