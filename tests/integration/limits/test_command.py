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
