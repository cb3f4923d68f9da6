"""What one caller may use: models by the key's list, providers by role and personal settings."""

from turnpike.contract.access import AccessState, access_state
from turnpike.contract.grants import KeyGrant, PersonalAccess
from turnpike.contract.snapshot import CredentialSpec, ProviderSpec
from turnpike.kit.patterns import matches


class Standing:
    """Of all callers with the same role, allowed models and personal settings."""

    __slots__ = ("_lists", "_personal", "default_provider", "role")

    def __init__(self, grant: KeyGrant) -> None:
        self._lists = tuple(patterns for patterns in (grant.models, grant.department_models) if patterns)
        self._personal = {each.provider_id: each for each in grant.personal}
        self.role = grant.role
        self.default_provider = grant.default_provider
        """Slug."""

    @property
    def allows_all(self) -> bool:
        return not self._lists

    def may_use(self, *names: str) -> bool:
        """Whether one of a model's names is on the key's list, and one on its owner's department's."""
        return all(any(matches(pattern, name) for pattern in patterns for name in names) for patterns in self._lists)

    def access(self, provider: ProviderSpec) -> tuple[AccessState, PersonalAccess | None]:
        personal = self._personal.get(provider.id)
        state = access_state(
            active=True,  # a provider that is switched off is not in the snapshot
            role=self.role,
            shared_for_users=provider.shared_for_users,
            shared_for_normal_admins=provider.shared_for_normal_admins,
            has_personal_key=personal is not None and personal.secret is not None,
            use_shared_api=personal is not None and personal.use_shared_api,
        )
        return state, personal

    def credentials(self, provider: ProviderSpec) -> tuple[CredentialSpec | None, ...]:
        """Those that this caller's requests may be sent with; (None,) where the provider asks for none."""
        state, personal = self.access(provider)
        if state is AccessState.AVAILABLE_PERSONAL and personal and personal.credential_id and personal.secret:
            return (CredentialSpec(personal.credential_id, personal.secret, personal.auth, "", personal.budgets),)
        if state is AccessState.AVAILABLE_SHARED:
            able = tuple(each for each in provider.credentials if not each.fault)
            return able or (() if provider.needs_credential or provider.credentials else (None,))
        return ()
