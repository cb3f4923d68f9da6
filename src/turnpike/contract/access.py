"""May this person use this provider, and with whose credential? One pure function (brief/provider-registry.md).

Read by control for its answers and by the relay for its plans, so that both always agree.
"""

from enum import StrEnum


class Role(StrEnum):
    USER = "user"
    DEPARTMENT_ADMIN = "department_admin"
    ADMIN = "admin"
    SUPER_ADMIN = "super_admin"


class AccessState(StrEnum):
    AVAILABLE_SHARED = "AVAILABLE_SHARED"
    AVAILABLE_PERSONAL = "AVAILABLE_PERSONAL"
    NO_ACCESS = "NO_ACCESS"
    DISABLED = "DISABLED"


def access_state(
    *,
    active: bool,
    role: str,
    shared_for_users: bool,
    shared_for_normal_admins: bool,
    has_personal_key: bool,
    use_shared_api: bool,
) -> AccessState:
    """The state of one person at one provider.

    `active`: provider and model are both switched on. `has_personal_key`: an active personal credential of this very
    person. `use_shared_api`: the person's wish to use the shared credential although a personal one is there.

    1. A provider or model that is switched off is DISABLED for everyone.
    2. A person with a personal key who did not ask for the shared one uses the personal key: always allowed.
    3. A super admin always has the shared credential; admins and department admins have it where
       `shared_for_normal_admins` says so, everybody else where `shared_for_users` does.
    4. Who may not share falls back to a personal key, if there is one.
    """
    if not active:
        return AccessState.DISABLED
    if has_personal_key and not use_shared_api:
        return AccessState.AVAILABLE_PERSONAL
    if role == Role.SUPER_ADMIN:
        return AccessState.AVAILABLE_SHARED
    may_share = shared_for_normal_admins if role in (Role.ADMIN, Role.DEPARTMENT_ADMIN) else shared_for_users
    if may_share:
        return AccessState.AVAILABLE_SHARED
    return AccessState.AVAILABLE_PERSONAL if has_personal_key else AccessState.NO_ACCESS
