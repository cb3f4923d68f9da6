"""Policies in the API and in snapshots, on both databases."""

from typing import Any

import pytest

from tests.integration.control.conftest import log_as_it_was, operator, services
from tests.support.control import Api
from turnpike.contract.events import Caller, Decision, GuardRecord
from turnpike.control.drain.writers import open_writer
from turnpike.control.services import ControlServices

__all__ = ["log_as_it_was", "operator", "services"]

PATH = "/api/v1/policies"
MASK = {"name": "pii", "kind": "pii", "action": "mask", "detect": ["email"]}


async def test_a_policy_is_made_changed_listed_and_deleted(services: ControlServices, operator: Api) -> None:
    made = await operator.post(PATH, json={"name": "house", "guards": [MASK], "tiers": ["free"]})
    assert made.status_code == 201, made.text
    policy = made.json()["data"]
    assert (policy["fail_closed"], policy["media"], policy["tiers"]) == (True, "block", ["free"])
    await services.keeper.refresh()
    assert services.keeper.snapshot is not None
    (spec,) = services.keeper.snapshot.guard_policies
    assert (spec.name, spec.tiers, spec.guards[0].detect) == ("house", ("free",), ("email",))
    changed = await operator.patch(f"{PATH}/house", {"tiers": [], "bounds": {"max_output_tokens": 10}})
    assert changed.json()["data"]["bounds"]["max_output_tokens"] == 10
    await services.keeper.refresh()
    assert services.keeper.snapshot.guard_policies[0].tiers == ()
    await operator.patch(f"{PATH}/{policy['id']}", {"enabled": False})
    await services.keeper.refresh()
    assert services.keeper.snapshot.guard_policies == ()
    listed = (await operator.get(PATH)).json()
    assert [row["name"] for row in listed["data"]] == ["house"]
    assert (await operator.delete(f"{PATH}/house")).status_code == 200
    assert (await operator.get(f"{PATH}/house")).status_code == 404


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        ({"kind": "patterns", "patterns": ["(?=a)"]}, "RE2"),
        ({"kind": "patterns", "patterns": ["a*"]}, "nothing"),
        ({"kind": "patterns"}, "patterns"),
        ({"kind": "terms"}, "terms"),
        ({"kind": "pii", "detect": ["shoe_size"]}, "shoe_size"),
        ({"kind": "pii", "action": "restore"}, "on: prompt"),
        ({"kind": "injection", "action": "mask", "on": "prompt"}, "flag or block"),
        ({"kind": "moderation", "action": "block", "on": "prompt"}, "model"),
    ],
)
async def test_what_no_relay_could_compile_is_refused(operator: Api, guard: dict[str, Any], words: str) -> None:
    body = {"name": "wrong", "guards": [{"name": "one", "action": "mask", **guard}]}
    refused = await operator.post(PATH, json=body)
    assert refused.status_code == 400, refused.text
    assert words in refused.json()["error"]["message"]


async def test_names_are_unique_and_a_policy_does_something(operator: Api) -> None:
    body = {"name": "house", "guards": [MASK]}
    assert (await operator.post(PATH, json=body)).status_code == 201
    assert (await operator.post(PATH, json=body)).status_code == 409
    assert (await operator.post(PATH, json={"name": "empty"})).status_code == 400
    assert (await operator.post(PATH, json={"name": "twice", "guards": [MASK, MASK]})).status_code in (400, 422)


async def test_a_text_and_a_request_are_tried_and_not_kept(operator: Api) -> None:
    await operator.post(PATH, json={"name": "house", "guards": [MASK]})
    tried = (await operator.post(f"{PATH}/test", json={"text": "é to bob@example.com!"})).json()["data"]
    assert (tried["passes"], tried["goes_on"]) == (True, "é to [EMAIL]!")
    assert [(each["kind"], each["start"], each["end"]) for each in tried["finds"]] == [("email", 5, 20)]
    draft = {"name": "draft", "guards": [{**MASK, "action": "block"}]}
    request = {"model": "m", "messages": [{"role": "user", "content": "bob@example.com"}]}
    refused = (await operator.post(f"{PATH}/test", json={"request": request, "draft": draft})).json()["data"]
    assert (refused["passes"], refused["goes_on"], refused["refused_by"]["policy"]) == (False, None, "draft")


async def test_decisions_are_written_once(services: ControlServices, operator: Api) -> None:
    decision = Decision("p1", "house", "pii", "email", "mask", "prompt", 3)
    caller = Caller("k1", "key", "u1", None)
    record = GuardRecord(b"e" * 16, 0, 1_700_000_000_000, "r1", caller, "chat", "m\0", (decision, decision))
    writer = open_writer(services.settings)
    try:
        await writer.write_decisions([record])
        await writer.write_decisions([record, record])
    finally:
        await writer.close()
    rows = (await operator.get(f"{PATH}/decisions", params={"policy": "house", "action": "mask"})).json()["data"]
    assert [(row["guard"], row["finds"], row["request_id"]) for row in rows] == [("pii", 3, "r1")] * 2
