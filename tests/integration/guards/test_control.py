"""Policies in the API and in snapshots, on both databases."""

from typing import Any

import pytest

from tests.integration.control.conftest import log_as_it_was, operator, services
from tests.support.control import Api
from turnpike.contract.events import Caller, Decision, GuardRecord
from turnpike.control.domains.policies import names
from turnpike.control.drain.writers import open_writer
from turnpike.control.services import ControlServices
from turnpike.control.tasks import PeriodicTasks
from turnpike.kit.clock import now_ms

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


async def test_decisions_are_in_the_audit_trail_once_and_without_the_text(
    services: ControlServices, operator: Api
) -> None:
    masked = Decision("p1", "house", "pii", "email", "mask", "prompt", 3)
    blocked = Decision("p1", "house", "terms", "term", "block", "answer", 1)
    caller = Caller("00000000-0000-7000-8000-000000000001", "key", "00000000-0000-7000-8000-000000000002", None)
    records = [
        GuardRecord(bytes([number]) * 16, 0, 1_700_000_000_000 + number, f"r{number}", caller, "chat", "m", each)
        for number, each in enumerate(((masked,), (masked, blocked)), 1)
    ]
    writer = open_writer(services.settings)
    try:
        await writer.write_decisions(records)
        await writer.write_decisions(records)
    finally:
        await writer.close()
    await services.refusals.flush()
    entries = (await operator.get("/api/v1/audit", params={"action": "guard.decided"})).json()["data"]
    found = {(each["object_id"], each["outcome"], each["count"], each["changes"]["kind"]) for each in entries}
    assert found == {("p1", "ok", 6, "email"), ("p1", "refused", 1, "term")}
    mails = next(each for each in entries if each["changes"]["kind"] == "email")
    assert (mails["changes"]["policy"], mails["changes"]["requests"]) == ("house", ["r1", "r2"])
    assert (mails["error_code"], mails["key_id"]) == (None, caller.key_id)
    verdict = (await operator.get("/api/v1/audit/verify")).json()["data"]
    assert verdict["ok"]


async def test_decisions_by_department_and_the_old_ones_go(services: ControlServices, operator: Api) -> None:
    sales, lab = (f"00000000-0000-7000-8000-00000000000{number}" for number in (3, 4))
    now = now_ms()
    rows = ((sales, now, 2), (sales, now, 5), (lab, now, 1), (lab, now - 91 * 86_400_000, 50))
    records = [
        GuardRecord(
            bytes([number]) * 16,
            0,
            at_ms,
            f"r{number}",
            Caller("k1", "key", "u1", department),
            "chat",
            "m",
            (Decision("p1", "house", "pii", "email", "mask", "prompt", count),),
        )
        for number, (department, at_ms, count) in enumerate(rows)
    ]
    writer = open_writer(services.settings)
    try:
        await writer.write_decisions(records)
    finally:
        await writer.close()
    path = f"{PATH}/decisions"
    assert services.settings.guard_retention_days == 90
    assert await PeriodicTasks(services).forget_old_decisions() == 1
    listed = (await operator.get(path, params={"department_id": sales})).json()["data"]
    assert sorted(row["finds"] for row in listed) == [2, 5]
    counted = (await operator.get(f"{path}/summary")).json()["data"]
    assert [(row["by"]["department_id"], row["by"]["policy"], row["finds"], row["calls"]) for row in counted] == [
        (sales, "house", 7, 2),
        (lab, "house", 1, 1),
    ]
    by_kind = (await operator.get(f"{path}/summary", params={"by": ["kind"], "department_id": lab})).json()["data"]
    assert by_kind == [{"by": {"kind": "email"}, "finds": 1, "calls": 1}]


NAMES: dict[str, Any] = {
    "name": "people",
    "guards": [{"name": "names", "kind": "names", "action": "mask", "on": "prompt"}],
}


@pytest.mark.parametrize("absent", ["presidio_analyzer", "spacy"])
async def test_names_are_refused_where_a_package_is_missing(
    operator: Api, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    monkeypatch.setattr(names, "find_spec", lambda name: None if name == absent else object())
    refused = await operator.post(PATH, json=NAMES)
    assert refused.status_code == 400
    message = refused.json()["error"]["message"]
    assert absent.replace("_", "-") in message
    assert "turnpike[names]" in message


async def test_names_are_refused_where_the_model_is_missing(operator: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"presidio_analyzer", "spacy"}
    monkeypatch.setattr(names, "find_spec", lambda name: object() if name in there else None)
    refused = await operator.post(PATH, json=NAMES)
    assert refused.status_code == 400
    assert "en_core_web_lg" in refused.json()["error"]["message"]
    wrong = {**NAMES["guards"][0], "detect": ["planet"]}
    unknown = await operator.post(PATH, json={**NAMES, "guards": [wrong]})
    assert "planet" in unknown.json()["error"]["message"]
    there.add("en_core_web_lg")
    assert (await operator.post(PATH, json=NAMES)).status_code == 201


async def test_policies_hold_in_the_order_of_their_priority(services: ControlServices, operator: Api) -> None:
    for name, priority in (("third", 300), ("first", 1), ("second", 20)):
        made = await operator.post(PATH, json={"name": name, "priority": priority, "guards": [MASK]})
        assert made.status_code == 201
    await services.keeper.refresh()
    assert services.keeper.snapshot is not None
    assert [spec.name for spec in services.keeper.snapshot.guard_policies] == ["first", "second", "third"]
