"""/api/v1/ai/providers/{provider}/credentials (shared ones, for `admin`) and .../settings (everybody's own)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from turnpike.control.domains.catalog.parts import Parts
from turnpike.control.domains.catalog.schemas import (
    CredentialBody,
    CredentialPatch,
    CredentialView,
    SettingBody,
    SettingPatch,
    SettingView,
)
from turnpike.control.domains.catalog.views import view_credential
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok
from turnpike.control.web.params import PathId, PathIdOrSlug
from turnpike.control.web.principal import May, Principal, Reader

router = APIRouter(prefix="/api/v1/ai/providers/{provider}", tags=["providers"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_PROVIDERS))]
Caller = Annotated[
    Principal,
    Depends(May(Permission.CHAT)),
]
"""A key that may call models for its owner may also say with whose credential."""


@router.get("/credentials")
async def list_credentials(
    _: Manager, parts: Parts, session: Reading, provider: PathIdOrSlug
) -> Envelope[list[CredentialView]]:
    """The shared ones. A personal credential is shown to nobody but its owner, masked."""
    row = await parts.providers.get(session, provider)
    return ok([view_credential(found) for found in await parts.credentials.shared(session, row.id)])


@router.post("/credentials", status_code=201)
async def add_credential(
    _: Manager, parts: Parts, session: Writing, provider: PathIdOrSlug, body: CredentialBody
) -> Envelope[CredentialView]:
    row = await parts.providers.get(session, provider)
    made = await parts.credentials.add(session, row, body.label, body.api_key, is_active=body.is_active)
    return ok(view_credential(made))


@router.patch("/credentials/{credential_id}")
async def change_credential(
    _: Manager, parts: Parts, session: Writing, provider: PathIdOrSlug, credential_id: PathId, body: CredentialPatch
) -> Envelope[CredentialView]:
    row = await parts.providers.get(session, provider)
    found = await parts.credentials.get(session, row.id, credential_id.lower())
    return ok(view_credential(await parts.credentials.change(session, row, found, body.given())))


@router.delete("/credentials/{credential_id}")
async def delete_credential(
    _: Manager, parts: Parts, session: Writing, provider: PathIdOrSlug, credential_id: PathId
) -> Envelope[dict[str, Any]]:
    row = await parts.providers.get(session, provider)
    await parts.credentials.remove(session, await parts.credentials.get(session, row.id, credential_id.lower()))
    return ok({"id": credential_id.lower()}, "The credential is gone.")


@router.get("/settings")
async def get_own_settings(
    actor: Reader, parts: Parts, session: Reading, provider: PathIdOrSlug
) -> Envelope[SettingView]:
    return ok(await parts.own.get(session, actor, await parts.providers.get(session, provider)))


@router.put("/settings")
async def replace_own_settings(
    actor: Caller, parts: Parts, session: Writing, provider: PathIdOrSlug, body: SettingBody
) -> Envelope[SettingView]:
    return ok(await parts.own.replace(session, actor, await parts.providers.get(session, provider), body))


@router.patch("/settings")
async def change_own_settings(
    actor: Caller, parts: Parts, session: Writing, provider: PathIdOrSlug, body: SettingPatch
) -> Envelope[SettingView]:
    return ok(await parts.own.change(session, actor, await parts.providers.get(session, provider), body))


@router.delete("/settings")
async def delete_own_settings(
    actor: Caller, parts: Parts, session: Writing, provider: PathIdOrSlug
) -> Envelope[SettingView]:
    """Back to the defaults; a personal key is deleted."""
    return ok(await parts.own.remove(session, actor, await parts.providers.get(session, provider)))
