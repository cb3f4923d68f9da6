"""A person's own settings at a provider: a personal key, whether to use the shared one all the same, a monthly limit.

They are that person's alone: no other caller reads or changes them, whatever their role.
"""

from typing import Any

from turnpike.contract.access import access_state
from turnpike.control.db.models import Credential, Provider, ProviderSetting
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.budgets import service as budgets
from turnpike.control.domains.catalog import repository
from turnpike.control.domains.catalog.credentials import Credentials
from turnpike.control.domains.catalog.schemas import SettingBody, SettingPatch, SettingView
from turnpike.control.web.principal import Principal


class OwnSettings:
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def get(self, session: ReadSession, actor: Principal, provider: Provider) -> SettingView:
        row = await repository.setting(session, actor.person(), provider.id)
        credential = await repository.personal_credential(session, actor.person(), provider.id)
        return view_setting(actor, provider, row, credential)

    async def replace(
        self, session: WriteSession, actor: Principal, provider: Provider, body: SettingBody
    ) -> SettingView:
        values = body.model_dump(exclude={"personal_api_key"})
        return await self._apply(session, actor, provider, values, body)

    async def change(
        self, session: WriteSession, actor: Principal, provider: Provider, body: SettingPatch
    ) -> SettingView:
        values = {name: value for name, value in body.given().items() if name != "personal_api_key"}
        return await self._apply(session, actor, provider, values, body)

    async def _apply(
        self, session: WriteSession, actor: Principal, provider: Provider, values: dict[str, Any], body: SettingBody
    ) -> SettingView:
        user_id = actor.person()
        row = await repository.setting(session, user_id, provider.id)
        if "monthly_limit" in values:
            values["monthly_limit_cents"] = values.pop("monthly_limit")
        if row is None:
            row = ProviderSetting(user_id=user_id, provider_id=provider.id, **{"use_shared_api": True, **values})
            session.add(row)
        else:
            for name, value in values.items():
                setattr(row, name, value)
        if "personal_api_key" in body.model_fields_set:
            credential = await self._credentials.set_personal(session, provider, user_id, body.personal_api_key)
            row.credential_id = credential.id if credential else None
            if credential is not None and "use_shared_api" not in body.model_fields_set:
                row.use_shared_api = False  # whoever brings a key means it to be used
        await session.flush()
        await budgets.follow_monthly_limit(session, row)
        session.changes.users([user_id])
        return await self.get(session, actor, provider)

    async def remove(self, session: WriteSession, actor: Principal, provider: Provider) -> SettingView:
        user_id = actor.person()
        row = await repository.setting(session, user_id, provider.id)
        if row is not None:
            row.monthly_limit_cents = None
            await budgets.follow_monthly_limit(session, row)
            await session.delete(row)
            await session.flush()
        await self._credentials.set_personal(session, provider, user_id, None)
        session.changes.users([user_id])
        return await self.get(session, actor, provider)


def view_setting(
    actor: Principal, provider: Provider, row: ProviderSetting | None, credential: Credential | None
) -> SettingView:
    in_force = row is not None and row.is_active
    use_shared = row.use_shared_api if row else True
    state = access_state(
        active=provider.is_active,
        role=actor.role,
        shared_for_users=provider.allow_shared_for_users,
        shared_for_normal_admins=provider.allow_shared_for_normal_admins,
        has_personal_key=in_force and credential is not None and credential.is_active,
        use_shared_api=use_shared,
    )
    return SettingView(
        provider=provider.slug,
        provider_id=provider.id,
        use_shared_api=use_shared,
        monthly_limit=row.monthly_limit_cents if row else None,
        is_active=row.is_active if row else True,
        personal_api_key=credential.hint if credential else None,
        access=state,
    )
