"""Permissions, roles and the function that decides: pure, so every case can be said."""

import pytest

from tests.support.rights import scope_at, somebody
from turnpike.contract.access import Role
from turnpike.contract.scopes import DEFAULT_SCOPES, SCOPES, to_bits, to_names
from turnpike.control.rights.permissions import WHOLE, WORDS, Permission, Reach, Rights
from turnpike.control.rights.policy import AllData, DepartmentData, NoData, OwnData, Target, covers, decide, own_scope
from turnpike.control.rights.roles import EVERYTHING, NOTHING, ROLE_RIGHTS, key_rights, rights_of, scopes_of
from turnpike.control.web.principal import OPERATOR_PRINCIPAL

MINE, COLLEAGUES, STRANGERS, NOBODYS = Target("u", "d"), Target("v", "d"), Target("x", "e"), Target()
KEYS = Permission.VIEW_KEYS


def test_every_permission_has_its_words() -> None:
    assert set(WORDS) == set(Permission)
    assert len(Permission) <= 63, "bits of a signed integer of 64"


def test_each_role_may_what_the_one_below_may() -> None:
    user, department_admin, admin, super_admin = (ROLE_RIGHTS[role] for role in Role)
    assert department_admin.covers(user)
    assert admin.covers(department_admin)
    assert super_admin.covers(admin)
    assert not user.covers(department_admin)
    assert not department_admin.covers(admin)
    assert not admin.covers(super_admin)


@pytest.mark.parametrize(
    ("role", "permission", "reach"),
    [
        (Role.USER, Permission.CHAT, Reach.OWN),
        (Role.USER, Permission.VIEW_ASSISTANTS, Reach.OWN),
        (Role.USER, Permission.VIEW_ANALYTICS, Reach.OWN),
        (Role.USER, Permission.MANAGE_ASSISTANTS, None),
        (Role.USER, Permission.VIEW_USERS, None),
        (Role.DEPARTMENT_ADMIN, Permission.CHAT, Reach.DEPARTMENT),
        (Role.DEPARTMENT_ADMIN, Permission.MANAGE_ASSISTANTS, Reach.DEPARTMENT),
        (Role.DEPARTMENT_ADMIN, Permission.VIEW_ANALYTICS, Reach.DEPARTMENT),
        (Role.DEPARTMENT_ADMIN, Permission.MANAGE_ROLES, None),
        (Role.ADMIN, Permission.MANAGE_ROLES, Reach.ALL),
        (Role.ADMIN, Permission.MANAGE_SECRETS, None),
        (Role.SUPER_ADMIN, Permission.MANAGE_SECRETS, Reach.ALL),
    ],
)
def test_what_the_four_roles_may(role: Role, permission: Permission, reach: Reach | None) -> None:
    assert ROLE_RIGHTS[role].reach(permission) == reach


@pytest.mark.parametrize(
    ("reach", "seen"),
    [
        (Reach.OWN, [MINE]),
        (Reach.DEPARTMENT, [MINE, COLLEAGUES]),
        (Reach.ALL, [MINE, COLLEAGUES, STRANGERS, NOBODYS]),
    ],
)
def test_a_permission_reaches_as_far_as_it_says(reach: Reach, seen: list[Target]) -> None:
    who = somebody(Rights.of({KEYS: reach}))
    for target in (MINE, COLLEAGUES, STRANGERS, NOBODYS):
        assert decide(who, KEYS, target).allowed is (target in seen), target
    assert decide(who, Permission.MANAGE_KEYS).allowed is False


def test_the_scope_says_whose_data_it_is() -> None:
    own, department, everywhere = (scope_at(reach) for reach in Reach)
    assert isinstance(own, OwnData)
    assert own.user_id == "u"
    assert isinstance(department, DepartmentData)
    assert (department.user_id, department.department_ids) == ("u", ("d",))
    assert isinstance(everywhere, AllData)


def test_without_a_department_its_data_are_ones_own() -> None:
    assert isinstance(scope_at(Reach.DEPARTMENT, department_id=None), OwnData)
    lonely = somebody(Rights.of({KEYS: Reach.DEPARTMENT}), department_id=None)
    assert not decide(lonely, KEYS, Target("v", None)).allowed, "two people without a department are no department"


@pytest.mark.parametrize("permission", sorted(WHOLE))
def test_what_concerns_the_whole_gateway_takes_all_data(permission: Permission) -> None:
    assert not decide(somebody(Rights.of({permission: Reach.DEPARTMENT})), permission).allowed
    assert decide(somebody(Rights.of({permission: Reach.ALL})), permission).allowed


def test_the_operator_may_everything() -> None:
    for permission in Permission:
        allowed, scope, _ = decide(OPERATOR_PRINCIPAL, permission, STRANGERS)
        assert allowed, permission
        assert isinstance(scope, AllData)


def test_a_principal_that_no_policy_looked_at_sees_nothing() -> None:
    assert isinstance(somebody(EVERYTHING).scope, NoData)
    assert isinstance(own_scope(somebody(NOTHING)), OwnData)


def test_a_scope_cannot_be_made_by_hand() -> None:
    with pytest.raises(TypeError):
        AllData()  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError):
        OwnData("u")  # pyright: ignore[reportCallIssue]


def test_rights_are_read_as_they_were_written() -> None:
    for rights in ROLE_RIGHTS.values():
        assert Rights.read(rights.names()) == rights
        assert Rights(*rights.bits()) == rights
    assert Rights.read({"chat": "own_data", "of_tomorrow": "all_data", "view_keys": "galaxy"}) == Rights.of(
        {Permission.CHAT: Reach.OWN}
    )


def test_nobody_gives_more_than_they_have_but_what_everybody_has() -> None:
    lead = Rights.of({Permission.MANAGE_USERS: Reach.DEPARTMENT})
    assert covers(lead, ROLE_RIGHTS[Role.USER])
    assert covers(lead, lead)
    assert not covers(lead, Rights.of({Permission.MANAGE_USERS: Reach.ALL}))
    assert not covers(lead, ROLE_RIGHTS[Role.DEPARTMENT_ADMIN])


def test_the_highest_role_is_the_one_that_reaches_furthest() -> None:
    auditor = Rights.of({Permission.VIEW_AUDIT: Reach.ALL, Permission.VIEW_ANALYTICS: Reach.ALL})
    rising = [ROLE_RIGHTS[role] for role in Role]
    assert sorted(rising, key=Rights.weight) == rising
    assert ROLE_RIGHTS[Role.USER].weight() < auditor.weight() < ROLE_RIGHTS[Role.ADMIN].weight()


# ---- keys


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("key_role", [None, *Role])
@pytest.mark.parametrize("scopes", [(), DEFAULT_SCOPES, ("admin",), SCOPES])
def test_a_key_never_has_more_than_its_owner(role: Role, key_role: Role | None, scopes: tuple[str, ...]) -> None:
    owner = ROLE_RIGHTS[role]
    held = key_rights(owner, to_bits(scopes), None if key_role is None else ROLE_RIGHTS[key_role])
    assert owner.covers(held)


def test_a_key_without_the_scope_admin_has_its_owners_own_data_only() -> None:
    held = key_rights(ROLE_RIGHTS[Role.ADMIN], to_bits(("ledger:read", "inference:text")), None)
    assert held.names() == {"chat": "own_data", "view_analytics": "own_data"}
    assert key_rights(ROLE_RIGHTS[Role.ADMIN], to_bits(("admin",)), None) == ROLE_RIGHTS[Role.ADMIN]
    assert key_rights(ROLE_RIGHTS[Role.USER], to_bits(("admin", "ledger:read")), None).names() == {
        "view_analytics": "own_data"
    }


def test_a_keys_role_is_cut_to_its_owners() -> None:
    department_admin = ROLE_RIGHTS[Role.DEPARTMENT_ADMIN]
    assert key_rights(department_admin, 0, ROLE_RIGHTS[Role.ADMIN]) == department_admin
    assert key_rights(ROLE_RIGHTS[Role.USER], 0, department_admin) == ROLE_RIGHTS[Role.USER]
    assert key_rights(ROLE_RIGHTS[Role.ADMIN], 0, department_admin) == department_admin


def test_scopes_of_keys_follow_from_the_owners_permissions() -> None:
    calls = [
        "models:read",
        "inference:text",
        "inference:image",
        "inference:audio",
        "embeddings",
        "video",
        "passthrough",
    ]
    assert to_names(scopes_of(ROLE_RIGHTS[Role.USER])) == [*calls, "ledger:read"]
    assert to_names(scopes_of(ROLE_RIGHTS[Role.DEPARTMENT_ADMIN])) == [*calls, "ledger:read", "cluster:read"]
    assert to_names(scopes_of(ROLE_RIGHTS[Role.ADMIN])) == list(SCOPES)
    assert scopes_of(NOTHING) == 0


def test_a_role_that_is_gone_gives_nothing() -> None:
    assert rights_of("gone", None) == NOTHING
    assert rights_of("admin", {"chat": "own_data"}) == ROLE_RIGHTS[Role.ADMIN], "the four are what they are"
