"""Signing in with Microsoft Entra ID: its claims, its groups and its tenants."""

from typing import Any

import pytest

from tests.support.control import Api
from tests.support.issuer import CLIENT, FakeIssuer
from tests.support.people import AUTH
from tests.support.signing_in import come_in, issuer, person, services, trust, who

__all__ = ["issuer", "person", "services"]

TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
ADMINS = "11111111-aaaa-4444-8888-000000000001"
SALES = "11111111-aaaa-4444-8888-000000000002"


def entra_claims(**more: Any) -> dict[str, Any]:
    """An ID token of version 2.0, as Microsoft documents it."""
    return {
        "ver": "2.0",
        "tid": TENANT,
        "oid": "00000000-0000-0000-66f3-3332eca7ea81",
        "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "name": "Abe Lincoln",
        "preferred_username": "AbeLi@contoso.com",
        "uti": "fqiBqXLPj0eQa82S-IYFAA",
        **more,
    }


async def trust_entra(operator: Api, issuer: FakeIssuer, **config: Any) -> str:
    department = await operator.data("POST", "/api/v1/departments", {"name": "Sales"})
    rules = [
        {"claim": "groups", "value": ADMINS, "role": "admin"},
        {"claim": "groups", "value": SALES, "department_id": department["id"]},
        {"claim": "roles", "value": "Gateway.Lead", "role": "department_admin"},
    ]
    config = {"rules": rules, "graph_url": issuer.url, **config}
    made = await trust(operator, issuer.url, "entra", kind="entra", config=config)
    assert made["config"]["subject_claim"] == "oid"
    return department["id"]


async def test_entra_groups_and_app_roles_give_role_and_department_at_each_sign_in(
    operator: Api, person: Api, issuer: FakeIssuer
) -> None:
    department = await trust_entra(operator, issuer)
    issuer.claims = entra_claims(groups=[SALES, ADMINS], roles=["Gateway.Lead"])
    assert (await come_in(person, issuer, "entra")).status_code == 302
    me = await who(person)
    assert (me["role"], me["department_id"], me["display_name"]) == ("admin", department, "Abe Lincoln")
    issuer.claims = entra_claims(groups=[SALES], roles=["Gateway.Lead"])
    await come_in(person, issuer, "entra")
    assert (await who(person))["role"] == "department_admin"
    issuer.claims = entra_claims()
    await come_in(person, issuer, "entra")
    assert (await who(person))["role"] == "user"


@pytest.mark.parametrize(
    "overage",
    [
        {
            "_claim_names": {"groups": "src1"},
            "_claim_sources": {"src1": {"endpoint": "http://169.254.169.254/users/x/getMemberObjects"}},
        },
        {"hasgroups": True},
    ],
    ids=["ID token", "implicit"],
)
async def test_too_many_groups_are_read_from_graph(
    operator: Api, person: Api, issuer: FakeIssuer, overage: dict[str, Any]
) -> None:
    await trust_entra(operator, issuer)
    issuer.claims = entra_claims(**overage)
    issuer.groups = [ADMINS]
    await come_in(person, issuer, "entra")
    assert (await who(person))["role"] == "admin"
    asked = [(headers["authorization"], body) for path, headers, body in issuer.asked if "getMemberGroups" in path]
    assert asked == [("Bearer graph-token", b'{"securityEnabledOnly":false}')]


async def test_several_tenants_come_in_by_list_only(operator: Api, person: Api, issuer: FakeIssuer) -> None:
    common = f"{issuer.url}/organizations/v2.0"
    body = {"slug": "e", "name": "E", "kind": "entra", "tenant": "organizations", "client_id": CLIENT}
    assert (await operator.post(f"{AUTH}/issuers", body)).status_code == 400, "anybody could come in"
    made = await trust(operator, common, "entra", kind="entra", config={"tenants": [TENANT]})
    assert made["issuer"] == common


async def test_who_fits_no_rule_may_be_kept_outside(operator: Api, person: Api, issuer: FakeIssuer) -> None:
    await trust_entra(operator, issuer, require_rule=True)
    issuer.claims = entra_claims(groups=["another"])
    assert (await come_in(person, issuer, "entra")).status_code == 403
    issuer.claims = entra_claims(roles=["Gateway.Lead"])
    assert (await come_in(person, issuer, "entra")).status_code == 302


async def test_a_mapping_does_not_take_the_last_super_admin(operator: Api, person: Api, issuer: FakeIssuer) -> None:
    admin = (await operator.data("GET", "/api/v1/users?role=super_admin"))[0]
    await operator.data("PATCH", f"/api/v1/users/{admin['id']}", {"ext_subject": entra_claims()["oid"]})
    await trust_entra(operator, issuer, link_by_subject=True)
    issuer.claims = entra_claims()
    await come_in(person, issuer, "entra")
    assert (await who(person))["role"] == "super_admin"
