"""The access state machine, in every combination of what it is asked with."""

from itertools import product

import pytest

from turnpike.contract.access import AccessState, Role, access_state

D, S, P, N = AccessState.DISABLED, AccessState.AVAILABLE_SHARED, AccessState.AVAILABLE_PERSONAL, AccessState.NO_ACCESS

TABLE: dict[tuple[str, bool, bool], str] = {
    # may the person share?   (personal key, use_shared_api) = ff ft tf tt
    ("super_admin", False, False): "SSPS",
    ("super_admin", False, True): "SSPS",
    ("super_admin", True, False): "SSPS",
    ("super_admin", True, True): "SSPS",
    ("admin", False, False): "NNPP",
    ("admin", False, True): "SSPS",
    ("admin", True, False): "NNPP",
    ("admin", True, True): "SSPS",
    ("department_admin", False, False): "NNPP",
    ("department_admin", False, True): "SSPS",
    ("department_admin", True, False): "NNPP",
    ("department_admin", True, True): "SSPS",
    ("user", False, False): "NNPP",
    ("user", False, True): "NNPP",
    ("user", True, False): "SSPS",
    ("user", True, True): "SSPS",
}
"""By role, `allow_shared_for_users`, `allow_shared_for_normal_admins`: the states for no personal key (without and with
the wish to share), and for a personal key (likewise)."""
LETTERS = {"S": S, "P": P, "N": N}
FLAGS = (False, True)


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(product([str(role) for role in Role], FLAGS, FLAGS))


@pytest.mark.parametrize(("role", "for_users", "for_admins"), list(TABLE))
@pytest.mark.parametrize("active", FLAGS)
def test_every_combination_has_its_state(role: str, for_users: bool, for_admins: bool, active: bool) -> None:
    for place, (has_key, use_shared) in enumerate(product(FLAGS, FLAGS)):
        state = access_state(
            active=active,
            role=role,
            shared_for_users=for_users,
            shared_for_normal_admins=for_admins,
            has_personal_key=has_key,
            use_shared_api=use_shared,
        )
        expected = LETTERS[TABLE[role, for_users, for_admins][place]] if active else D
        assert state == expected, (has_key, use_shared)


def test_an_unknown_role_is_an_ordinary_user() -> None:
    for for_users in FLAGS:
        state = access_state(
            active=True,
            role="visitor",
            shared_for_users=for_users,
            shared_for_normal_admins=True,
            has_personal_key=False,
            use_shared_api=True,
        )
        assert state == (S if for_users else N)
