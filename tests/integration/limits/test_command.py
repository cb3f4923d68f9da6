"""`turnpike limits` and `turnpike tiers`, on a running gateway."""

from tests.integration.limits.conftest import Caller, settle
from tests.support.gateway import RunningGateway
from tests.support.gateways import turnpike, turnpike_json


def test_limits_are_set_shown_reset_and_removed(gateway: RunningGateway, ada: Caller) -> None:
    folder = gateway.folder
    made = turnpike_json("limits", "set", "--key", ada.key_id, "--amount", "1", "--per", "hour", folder=folder)
    assert (made["subject"], made["window_s"], made["amount"]) == ("key", 3600, 1)
    settle(gateway)
    assert ada.statuses(2) == [200, 429]
    (counter,) = turnpike_json("limits", "show", "--key", ada.key_id, folder=folder)
    assert (counter["used"], counter["remaining"]) == (1, 0)
    assert len(turnpike_json("limits", "reset", "--key", ada.key_id, folder=folder)) == 1
    shown = turnpike("limits", "list", folder=folder)
    assert "1 requests per hour" in shown.stdout
    assert turnpike_json("limits", "remove", made["id"], folder=folder) == {"id": made["id"]}


def test_a_tier_is_made_and_taken_away(gateway: RunningGateway) -> None:
    folder = gateway.folder
    turnpike_json("tiers", "set", "students", "--description", "Courses", folder=folder)
    turnpike_json("limits", "set", "--tier", "students", "--amount", "20", folder=folder)
    (tier,) = [row for row in turnpike_json("tiers", "list", folder=folder) if row["name"] == "students"]
    assert [limit["amount"] for limit in tier["limits"]] == [20]
    key = turnpike_json("keys", "create", "--name", "course", "--tier", "students", folder=folder)
    refused = turnpike("tiers", "remove", "students", folder=folder)
    assert refused.returncode != 0
    assert "1 keys" in refused.stderr
    turnpike_json("keys", "revoke", key["id"], folder=folder)
    assert turnpike_json("tiers", "remove", "students", folder=folder) == {"name": "students"}


def test_whose_limit_must_be_said(gateway: RunningGateway) -> None:
    refused = turnpike("limits", "set", "--amount", "1", folder=gateway.folder)
    assert refused.returncode != 0
    assert "--key" in refused.stderr


def test_what_is_not_named_of_a_limit_stays(gateway: RunningGateway, ada: Caller) -> None:
    folder = gateway.folder
    words = ("limits", "set", "--key", ada.key_id, "--per", "hour")
    tokens = (*words, "--resource", "tokens")
    first = turnpike_json(*words, "--amount", "100", "--burst", "20", "--unreachable", "open", folder=folder)
    again = turnpike_json(*words, "--amount", "200", folder=folder)
    assert again["id"] == first["id"]
    assert (again["amount"], again["burst"], again["on_unreachable"]) == (200, 20, "open")
    turnpike_json(*tokens, "--amount", "100", "--counting", "estimate", folder=folder)
    assert turnpike_json(*tokens, "--amount", "200", folder=folder)["counting"] == "estimate"
    other = turnpike_json(*words, "--amount", "5", "--for-model", "gpt-*", folder=folder)
    assert (other["burst"], other["on_unreachable"]) == (0, "closed"), "another limit"
    less = turnpike_json(*words, "--amount", "200", "--burst", "0", "--unreachable", "closed", folder=folder)
    assert (less["burst"], less["on_unreachable"]) == (0, "closed")
    address = ("limits", "set", "--ip", "192.0.2.77/24")
    turnpike_json(*address, "--amount", "10", "--burst", "3", folder=folder)
    assert turnpike_json(*address, "--amount", "20", folder=folder)["burst"] == 3


def test_what_is_not_named_of_a_budget_stays(gateway: RunningGateway, ada: Caller) -> None:
    folder = gateway.folder
    words = ("budgets", "set", "--key", ada.key_id, "--period", "month")
    more = ("--soft", "--alert", "50", "--flat-usd", "0.01")
    first = turnpike_json(*words, "--amount-usd", "2", *more, folder=folder)
    again = turnpike_json(*words, "--amount-usd", "3", folder=folder)
    assert (again["id"], again["hard"], again["alerts"]) == (first["id"], False, [50])
    assert again["flat_usd"] == first["flat_usd"] is not None
    assert turnpike_json(*words, "--amount-usd", "3", "--hard", folder=folder)["hard"] is True
    said = turnpike(*words, "--amount-usd", "4", folder=folder)
    assert "Changed a hard budget of 4" in said.stdout


def test_a_policy_is_replaced_as_a_whole(gateway: RunningGateway, ada: Caller) -> None:
    folder = gateway.folder
    words = ("policies", "set", "whole", "--pii", "block", "--key", ada.key_id)
    first = turnpike_json(*words, "--fail-open", "--media", "allow", "--max-output-tokens", "9", folder=folder)
    assert (first["fail_closed"], first["media"]) == (False, "allow")
    gateway.api("PATCH", "/policies/whole", {"priority": 7, "note": "Of old."})
    again = turnpike_json(*words, folder=folder)
    assert again["id"] == first["id"]
    left = {name: again[name] for name in ("fail_closed", "media", "bounds", "priority", "note", "enabled")}
    new = {"fail_closed": True, "media": "block", "bounds": None, "priority": 100, "note": None, "enabled": True}
    assert left == new
    turnpike_json("policies", "delete", "whole", folder=folder)


def test_people_and_departments_are_named_as_people_name_them(gateway: RunningGateway) -> None:
    folder = gateway.folder
    department = gateway.api("POST", "/departments", {"name": "Research"})["id"]
    person = {"display_name": "Ann", "role": "user", "email": "ann@example.org", "department_id": department}
    user = gateway.api("POST", "/users", person)["id"]
    whom = ("--user", "ann@example.org"), ("--department", "Research"), ("--provider", "sim-openai")
    ids = user, department, gateway.providers["sim-openai"]
    for words, found in zip(whom, ids, strict=True):
        assert turnpike_json("limits", "set", *words, "--amount", "900", folder=folder)["name"] == found
        shown = turnpike_json("limits", "show", *words, folder=folder)
        assert [counter["name"] for counter in shown if counter["amount"] == 900] == [found]
        turnpike_json("limits", "reset", *words, folder=folder)
    people = ("--user", "ann@example.org,Ann", "--department", "Research")
    policy = turnpike_json("policies", "set", "people", "--injection", "flag", *people, folder=folder)
    assert (set(policy["users"]), policy["departments"]) == ({user}, [department])
    turnpike_json("policies", "delete", "people", folder=folder)
    nobody = turnpike("limits", "set", "--user", "nobody@example.org", "--amount", "1", folder=folder)
    assert nobody.returncode != 0
    assert "nobody@example.org" in nobody.stderr
