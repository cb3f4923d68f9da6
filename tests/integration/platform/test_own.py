"""What a person finds of their own: keys with tier and budgets, settings at providers."""

from tests.support.control import Api, api, make_key, make_provider, make_user
from turnpike.control.services import ControlServices

API = "/api/v1"


async def test_a_person_sees_their_own_keys_with_tier_and_budgets(services: ControlServices, operator: Api) -> None:
    user = await make_user(operator)
    mine = await make_key(operator, user_id=user, name="mine", tier="standard")
    await make_key(operator, name="somebody else's")
    budget = {"kind": "key", "subject": mine["id"], "amount_usd": 5, "period": "day"}
    made = await operator.data("POST", f"{API}/budgets", budget)
    async with api(services, mine["key"]) as person:
        rows = await person.data("GET", f"{API}/keys/own")
    assert [(row["name"], row["tier"]) for row in rows] == [("mine", "standard")]
    assert [(each["id"], each["period"], float(each["amount_usd"])) for each in rows[0]["budgets"]] == [
        (made["id"], "day", 5.0)
    ]
    assert (await operator.data("GET", f"{API}/keys/{mine['id']}"))["budgets"] == rows[0]["budgets"]


async def test_a_person_sees_their_own_settings_at_providers_masked(services: ControlServices, operator: Api) -> None:
    await make_provider(operator, "acme")
    await make_provider(operator, "other")
    keys = [(await make_key(operator, user_id=await make_user(operator)))["key"] for _ in range(2)]
    async with api(services, keys[0]) as person:
        await person.data("PUT", f"{API}/ai/providers/acme/settings", {"personal_api_key": "sk-mine-0123456789abcdef"})
        rows = await person.data("GET", f"{API}/settings/own/providers")
        assert [(row["provider"], row["access"]) for row in rows] == [("acme", "AVAILABLE_PERSONAL")]
        assert "0123456789" not in rows[0]["personal_api_key"]
    async with api(services, keys[1]) as person:
        assert await person.data("GET", f"{API}/settings/own/providers") == []
