"""Rules of the cache: kept, changed, refused, told to relays; clearing; and who may do it. On both databases."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.control import Api, api
from turnpike.contract.caching import CacheClear, CacheRule, FindSimilar, GetKept, Kept, KeptAnswer, PutKept
from turnpike.control.domains.caching import service
from turnpike.control.services import ControlServices
from turnpike.kit.clock import now_ms
from turnpike.wire.types.usage import Usage

RULES = "/api/v1/cache/rules"
KEY, SPACE = b"k" * 32, b"s" * 32


async def made(operator: Api, **facts: Any) -> dict[str, Any]:
    response = await operator.call("POST", RULES, facts)
    assert response.status_code == 201, response.text
    return response.json()["data"]


async def in_snapshot(services: ControlServices) -> tuple[CacheRule, ...]:
    await services.keeper.refresh()
    assert services.keeper.snapshot is not None
    return services.keeper.snapshot.caching.rules


async def test_a_new_gateway_keeps_nothing(services: ControlServices, operator: Api) -> None:
    assert (await operator.get(RULES)).json()["data"] == []
    assert await in_snapshot(services) == ()


async def test_a_rule_is_told_to_relays_and_taken_back(services: ControlServices, operator: Api) -> None:
    rule = await made(operator, model="gpt-*", ttl_s=60, sharing="department", wait_s=2.5)
    assert (rule["mode"], rule["is_active"], rule["threshold"]) == ("exact", True, 0.95)
    (told,) = await in_snapshot(services)
    assert (told.id, told.model, told.ttl_s, told.sharing, told.wait_s) == (rule["id"], "gpt-*", 60, "department", 2.5)
    assert (await operator.call("DELETE", f"{RULES}/{rule['id']}")).status_code == 200
    assert await in_snapshot(services) == ()


async def test_every_change_makes_another_revision(services: ControlServices, operator: Api) -> None:
    rule = await made(operator)
    (before,) = await in_snapshot(services)
    changed = await operator.call("PATCH", f"{RULES}/{rule['id']}", {"sharing": "user"})
    assert changed.status_code == 200
    (after,) = await in_snapshot(services)
    assert after.revision > before.revision


async def test_a_rule_that_is_switched_off_is_not_told(services: ControlServices, operator: Api) -> None:
    rule = await made(operator)
    await operator.call("PATCH", f"{RULES}/{rule['id']}", {"is_active": False})
    assert await in_snapshot(services) == ()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mode": "sometimes"}, "mode"),
        ({"ttl_s": 0}, "ttl_s"),
        ({"ttl_s": 31 * 86_400}, "ttl_s"),
        ({"sharing": "world"}, "sharing"),
        ({"threshold": 1.1}, "threshold"),
        ({"mode": "exact+semantic"}, "embedding_model"),
        ({"key_id": "no id"}, "key_id"),
        ({"misspelt": 1}, "misspelt"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_the_place(embedded: Api, body: dict[str, Any], field: str) -> None:
    response = await embedded.call("POST", RULES, body)
    assert response.status_code == 400
    assert field in response.text


async def test_two_rules_for_the_same_are_refused(operator: Api) -> None:
    rule = await made(operator, model="m")
    again = await operator.call("POST", RULES, {"model": "m"})
    assert again.status_code == 409
    assert again.json()["error"]["details"]["id"] == rule["id"]
    await made(operator, model="m", key_id=str(uuid4()))


async def test_a_patch_cannot_take_the_embedding_model_of_a_semantic_rule(embedded: Api) -> None:
    rule = await made(embedded, mode="exact+semantic", embedding_model="e")
    response = await embedded.call("PATCH", f"{RULES}/{rule['id']}", {"embedding_model": None})
    assert response.status_code == 400
    assert response.json()["error"]["details"]["param"] == "embedding_model"


async def test_rules_that_are_not_there_are_not_found(embedded: Api) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        body = {} if method == "PATCH" else None
        assert (await embedded.call(method, f"{RULES}/{uuid4()}", body)).status_code == 404


async def test_reading_takes_a_key_and_changing_an_administrators(services: ControlServices, operator: Api) -> None:
    person = (await operator.call("POST", "/api/v1/users", {"display_name": "P", "role": "user"})).json()["data"]
    key = (await operator.call("POST", "/api/v1/keys", {"name": "k", "user_id": person["id"]})).json()["data"]["key"]
    async with api(services, key) as reader:
        assert (await reader.get(RULES)).status_code == 200
        assert (await reader.call("POST", RULES, {})).status_code == 403
        assert (await reader.call("POST", "/api/v1/cache/clear", {})).status_code == 403


# ---- clearing, and what is kept


def kept(**facts: Any) -> KeptAnswer:
    values: dict[str, Any] = {
        "made_at_ms": now_ms(),
        "expires_at_ms": now_ms() + 60_000,
        "model": "m",
        "key_id": "k",
        "user_id": "u",
        "usage": Usage(7, 3),
        "usage_source": 0,
        "cost_nanousd": 5,
        "body": b"{}",
    }
    return KeptAnswer(**{**values, **facts})


async def test_what_relays_bring_is_given_back(services: ControlServices) -> None:
    answer = kept()
    assert await services.answers.answer(PutKept(KEY, answer)) is None
    assert await services.answers.answer(GetKept(1, KEY)) == Kept(1, answer)
    assert await services.answers.answer(GetKept(2, b"x" * 32)) == Kept(2, None)


async def test_a_large_answer_goes_the_same_way(services: ControlServices) -> None:
    answer = kept(body=b"x" * 300_000)
    await services.answers.answer(PutKept(KEY, answer))
    assert await services.answers.answer(GetKept(1, KEY)) == Kept(1, answer)


async def test_a_near_question_finds_the_answer_until_it_is_cleared(services: ControlServices, operator: Api) -> None:
    answer = kept()
    vector = bytes.fromhex("0000803f00000000")
    await services.answers.answer(PutKept(KEY, answer, SPACE, vector))
    found = await services.answers.answer(FindSimilar(1, SPACE, vector, 0.9))
    assert found is not None
    assert found.kept == answer
    assert found.similarity == pytest.approx(1)
    await operator.call("POST", "/api/v1/cache/clear", {"model": "m"})
    assert await services.answers.answer(FindSimilar(2, SPACE, vector, 0.9)) == Kept(2, None)


async def test_clearing_is_told_to_every_machine(services: ControlServices, operator: Api) -> None:
    await services.answers.answer(PutKept(KEY, kept()))
    cleared = (await operator.call("POST", "/api/v1/cache/clear", {"user_id": str(uuid4())})).json()["data"]
    assert cleared["cleared"] == 0
    cleared = (await operator.call("POST", "/api/v1/cache/clear", {"model": "m"})).json()["data"]
    assert cleared["cleared"] == 1
    await in_snapshot(services)
    assert services.keeper.snapshot is not None
    first, second = services.keeper.snapshot.caching.clears
    assert (first.model, second.model, second.key_id) == (None, "m", None)


async def test_clearing_everything_makes_earlier_clearings_needless(services: ControlServices, operator: Api) -> None:
    for _ in range(3):
        await operator.call("POST", "/api/v1/cache/clear", {"model": "m"})
    await operator.call("POST", "/api/v1/cache/clear", {})
    await in_snapshot(services)
    assert services.keeper.snapshot is not None
    (only,) = services.keeper.snapshot.caching.clears
    assert only == CacheClear(only.at_ms)


async def test_there_is_an_end_to_clearing_part_by_part(
    services: ControlServices, operator: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CLEARS_AT_MOST", 2)
    states = [(await operator.call("POST", "/api/v1/cache/clear", {"model": f"m{n}"})).status_code for n in range(3)]
    assert states == [200, 200, 409]
    assert (await operator.call("POST", "/api/v1/cache/clear", {})).status_code == 200


async def test_a_store_that_fails_is_told_in_the_numbers_and_to_nobody_else(services: ControlServices) -> None:
    (services.settings.data_dir / "answers.db").mkdir()
    assert await services.answers.answer(GetKept(1, KEY)) == Kept(1, None)
    assert await services.answers.answer(PutKept(KEY, kept())) is None
    async with api(services) as operator:
        found = (await operator.get("/api/v1/cache/stats")).json()["data"]
    assert (found["reachable"], found["entries"]) == (False, None)
