"""Provider keys: sealed when they come in, masked when they are shown, opened only for a snapshot, a grant or
a test."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from turnpike.control.db.models import Credential, Provider
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains import catalogued
from turnpike.control.domains.catalog import repository
from turnpike.control.domains.catalog.facts import known_vendor
from turnpike.control.infra.secrets import Sealer
from turnpike.errors import NotFound
from turnpike.kit.crypto import mask
from turnpike.wire.credentials import read_credential
from turnpike.wire.parameters import pack_secret, shown_secret, unpack_secret

DEFAULT_LABEL = "shared"
"""The credential that a provider's `shared_api_key` stands for."""


class Credentials:
    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def shared(self, session: ReadSession, provider_id: str) -> Sequence[Credential]:
        return await repository.shared_credentials(session, provider_id)

    async def get(self, session: ReadSession, provider_id: str, credential_id: str) -> Credential:
        """A shared one: a personal credential is nobody else's to see. Raises NotFound."""
        row = await session.get(Credential, credential_id)
        if row is None or row.provider_id != provider_id or row.owner_id is not None:
            raise NotFound(f"This provider has no credential {credential_id}.")
        return row

    async def add(
        self, session: WriteSession, provider: Provider, label: str, secret: str, *, is_active: bool = True
    ) -> Credential:
        """Raises InvalidRequest for what is no credential of the provider's vendor; so do all who take a secret."""
        row = Credential(
            provider_id=provider.id, label=label, is_active=is_active, **self._sealed(provider, secret, "api_key")
        )
        return await catalogued.add(session, row)

    async def change(
        self, session: WriteSession, provider: Provider, row: Credential, values: dict[str, Any]
    ) -> Credential:
        secret = values.pop("api_key", None)
        sealed = self._sealed(provider, secret, "api_key") if secret else {}
        return await catalogued.change(session, row, {**values, **sealed})

    async def remove(self, session: WriteSession, row: Credential) -> None:
        await catalogued.remove(session, row)

    async def set_default(self, session: WriteSession, provider: Provider, secret: str | None) -> None:
        """What `shared_api_key` means: the first credential labelled `shared` is replaced, made or removed."""
        row = await self._default(session, provider)
        if secret is None:
            if row is not None:
                await self.remove(session, row)
        elif row is None:
            sealed = self._sealed(provider, secret)
            row = Credential(provider_id=provider.id, label=DEFAULT_LABEL, is_active=True, **sealed)
            await catalogued.add(session, row)
        else:
            await self.change(session, provider, row, {**self._sealed(provider, secret), "is_active": True})

    async def set_parts(self, session: WriteSession, provider: Provider, parts: Mapping[str, str | None]) -> None:
        """Some parts of the default credential; those that it has already stay. None or empty takes a part away."""
        row = await self._default(session, provider)
        present = unpack_secret(known_vendor(provider.vendor), self.open(row)) if row is not None else {}
        merged = {name: value for name, value in {**present, **parts}.items() if value}
        await self.set_default(session, provider, json.dumps(merged) if merged else None)

    async def _default(self, session: ReadSession, provider: Provider) -> Credential | None:
        rows = await repository.shared_credentials(session, provider.id)
        return next((row for row in rows if row.label == DEFAULT_LABEL), None)

    async def set_personal(
        self, session: WriteSession, provider: Provider, user_id: str, secret: str | None
    ) -> Credential | None:
        row = await repository.personal_credential(session, user_id, provider.id)
        if secret is None:
            if row is not None:
                await session.delete(row)
                await session.flush()
            return None
        sealed = self._sealed(provider, secret, "personal_api_key")
        if row is None:
            row = Credential(provider_id=provider.id, owner_id=user_id, label="personal", **sealed)
            session.add(row)
        else:
            for name, value in sealed.items():
                setattr(row, name, value)
        await session.flush()
        return row

    def open(self, row: Credential) -> str:
        """Raises CannotOpen."""
        return self._sealer.open(row.sealed)

    def _sealed(self, provider: Provider, given: str, param: str = "shared_api_key") -> dict[str, str]:
        vendor = known_vendor(provider.vendor)
        secret = pack_secret(vendor, given, param)
        read_credential(vendor.auth, secret)
        return {"sealed": self._sealer.seal(secret), "hint": mask(shown_secret(vendor, secret))}
