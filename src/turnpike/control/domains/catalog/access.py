"""The access state of the asking person, for every provider and model that an answer shows."""

from turnpike.contract.access import AccessState, access_state
from turnpike.control.domains.catalog.rows import ModelRow, ProviderRow
from turnpike.control.web.principal import Principal


class Access:
    """Of one person; the settings come with the key's grant, so nothing is asked of the database."""

    def __init__(self, principal: Principal) -> None:
        self._role = principal.role
        self._personal = {access.provider_id: access for access in principal.personal}

    def to_provider(self, row: ProviderRow) -> AccessState:
        return self._state(row.id, row.is_active, row.allow_shared_for_users, row.allow_shared_for_normal_admins)

    def to_model(self, row: ModelRow) -> AccessState:
        active = row.is_active and row.provider_is_active
        return self._state(row.provider_id, active, row.shared_for_users, row.shared_for_normal_admins)

    def _state(self, provider_id: str, active: bool, for_users: bool, for_normal_admins: bool) -> AccessState:
        own = self._personal.get(provider_id)
        return access_state(
            active=active,
            role=self._role,
            shared_for_users=for_users,
            shared_for_normal_admins=for_normal_admins,
            has_personal_key=own is not None and own.credential_id is not None,
            use_shared_api=own.use_shared_api if own is not None else True,
        )
