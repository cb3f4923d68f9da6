"""Provider keys: sealed when they come in, masked when they are shown, opened only for a snapshot, a grant or
a test."""

from collections.abc import Sequence
from typing import Any

from turnpike.control.db.models import Credential
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.catalog import repository
from turnpike.control.infra.secrets import Sealer
from turnpike.errors import NotFound
from turnpike.kit.crypto import mask

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
        self, session: WriteSession, provider_id: str, label: str, secret: str, *, is_active: bool = True
    ) -> Credential:
        row = Credential(provider_id=provider_id, label=label, is_active=is_active, **self._sealed(secret))
        session.add(row)
        await session.flush()
        session.changes.catalog()
        return row

    async def change(self, session: WriteSession, row: Credential, values: dict[str, Any]) -> Credential:
        secret = values.pop("api_key", None)
        for name, value in {**values, **(self._sealed(secret) if secret else {})}.items():
            setattr(row, name, value)
        await session.flush()
        session.changes.catalog()
        return row

    async def remove(self, session: WriteSession, row: Credential) -> None:
        await session.delete(row)
        await session.flush()
        session.changes.catalog()

    async def set_default(self, session: WriteSession, provider_id: str, secret: str | None) -> None:
        """What `shared_api_key` means: the first credential labelled `shared` is replaced, made or removed."""
        rows = await repository.shared_credentials(session, provider_id)
        row = next((row for row in rows if row.label == DEFAULT_LABEL), None)
        if secret is None:
            if row is not None:
                await self.remove(session, row)
        elif row is None:
            await self.add(session, provider_id, DEFAULT_LABEL, secret)
        else:
            await self.change(session, row, {"api_key": secret, "is_active": True})

    async def set_personal(
        self, session: WriteSession, provider_id: str, user_id: str, secret: str | None
    ) -> Credential | None:
        row = await repository.personal_credential(session, user_id, provider_id)
        if secret is None:
            if row is not None:
                await session.delete(row)
                await session.flush()
            return None
        if row is None:
            row = Credential(provider_id=provider_id, owner_id=user_id, label="personal", **self._sealed(secret))
            session.add(row)
        else:
            for name, value in self._sealed(secret).items():
                setattr(row, name, value)
        await session.flush()
        return row

    def open(self, row: Credential) -> str:
        """Raises CannotOpen."""
        return self._sealer.open(row.sealed)

    def _sealed(self, secret: str) -> dict[str, str]:
        return {"sealed": self._sealer.seal(secret), "hint": mask(secret)}
