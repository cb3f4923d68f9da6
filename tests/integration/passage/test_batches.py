"""Batches: every line judged, the cost written down once, also when nobody asks again."""

import json
from typing import Any

import pytest

from tests.integration.passage.conftest import Person, person
from tests.support.gateway import RunningGateway, wait_for

ANTHROPIC = {"anthropic-version": "2023-06-01"}


def line(custom_id: str = "a", model: str = "chat-by-openai", **more: Any) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body, **more}


def lines(*each: Any) -> bytes:
    return b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in each) + b"\n"


def batch_of(owner: Person, content: bytes, endpoint: str = "/v1/chat/completions") -> dict[str, Any]:
    uploaded = owner.upload(content, purpose="batch")
    assert uploaded.status_code == 200, uploaded.text
    body = {"input_file_id": uploaded.json()["id"], "endpoint": endpoint, "completion_window": "24h"}
    return owner.made("POST", "/v1/batches", json=body)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        (b"{", "line 2"),
        (b"[]", "line 2"),
        (line("a"), "line 2, custom_id"),
        (line("b", method="GET"), "line 2, method"),
        (line("b", url="/v1/organization/users"), "line 2, url"),
        (line("b", url="/v1/files"), "line 2, url"),
        (line("b", body="x"), "line 2, body"),
        (line("b", body={}), "line 2, body.model"),
        (line("b", model="nowhere"), "line 2, body.model"),
        (line("b", model="chat-by-anthropic"), "line 2, body.model"),
        (line("b", model="embed-by-openai"), "line 2, body.model"),
    ],
)
def test_the_first_wrong_line_is_named(ada: Person, wrong: Any, place: str) -> None:
    refused = ada.upload(lines(line("a"), wrong, line("c")), purpose="batch")

    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]["message"].startswith(f"{place}:"), refused.text


def test_a_line_cannot_name_what_its_caller_may_not_use(gateway: RunningGateway, ada: Person, bob: Person) -> None:
    carol = person(gateway, "Carol", models=["chat-by-both"])
    assert "line 1, body.model" in carol.upload(lines(line()), purpose="batch").text
    deaf = person(gateway, "Dan", scopes=["passthrough"])
    assert "inference:text" in deaf.upload(lines(line()), purpose="batch").text
    hers = ada.upload(b"x").json()["id"]
    body = {"model": "chat-by-openai", "messages": [{"role": "user", "content": [{"file": {"file_id": hers}}]}]}
    assert bob.upload(lines(line("a", body=body)), purpose="batch").status_code == 404


def test_two_files_in_one_form_are_refused(ada: Person) -> None:
    files = [("file", ("a", lines(line()))), ("file", ("b", lines(line(model="other"))))]
    assert ada.ask("POST", "/v1/files", files=files, data={"purpose": "batch"}).status_code == 400


def test_a_batch_of_a_file_that_nobody_judged_is_refused(ada: Person) -> None:
    name = ada.upload(lines(line()), purpose="user_data").json()["id"]
    body = {"input_file_id": name, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    refused = ada.ask("POST", "/v1/batches", json=body)

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "input_file_id")
    assert ada.ask("POST", "/v1/batches", json={"endpoint": "/v1/chat/completions"}).status_code == 400


def test_a_batch_goes_to_the_endpoint_that_its_lines_were_judged_for(ada: Person) -> None:
    name = ada.upload(lines(line()), purpose="batch").json()["id"]
    body = {"input_file_id": name, "endpoint": "/v1/embeddings", "completion_window": "24h"}

    assert ada.ask("POST", "/v1/batches", json=body).status_code == 400


def test_a_batch_runs_and_its_cost_is_written_once(gateway: RunningGateway, ada: Person, bob: Person) -> None:
    batch = batch_of(ada, lines(line("a"), line("b")))
    path = f"/v1/batches/{batch['id']}"
    assert bob.ask("GET", path).status_code == 404
    ada.made("GET", path)
    done = ada.made("GET", path)
    assert done["status"] == "completed"
    row = gateway.ledger_row(batch["id"])

    output = ada.ask("GET", f"/v1/files/{done['output_file_id']}/content")
    assert [json.loads(each)["custom_id"] for each in output.text.splitlines()] == ["a", "b"]
    assert bob.ask("GET", f"/v1/files/{done['output_file_id']}/content").status_code == 404
    assert (row["input_tokens"], row["output_tokens"], row["billable_requests"]) == (2, 24, 2)
    assert (row["model_served"], row["provider"], row["user_id"]) == ("chat-by-openai", "sim-openai", ada.user_id)
    assert (row["operation"], row["priced"]) == ("passthrough", True)
    assert row["cost_nanousd"] == 2 * 1000 + 24 * 2000
    for _ in range(3):
        ada.made("GET", path)
        ada.made("GET", "/v1/batches")
    assert len(gateway.ledger_rows(batch["id"])) == 1


def test_the_provider_gets_its_own_names_of_the_models(gateway: RunningGateway, ada: Person) -> None:
    name = ada.upload(lines(line()), purpose="batch").json()["id"]
    content = ada.ask("GET", f"/v1/files/{name}/content").text

    assert json.loads(content)["body"]["model"] == "simulator"


def test_anthropics_batches_are_judged_run_and_paid(gateway: RunningGateway, ada: Person, bob: Person) -> None:
    params = {"model": "chat-by-anthropic", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]}
    requests = [{"custom_id": "a", "params": params}, {"custom_id": "b", "params": params}]
    wrong = [*requests, {"custom_id": "c", "params": {**params, "model": "nowhere"}}]
    refused = ada.ask("POST", "/v1/messages/batches", json={"requests": wrong}, headers=ANTHROPIC)
    assert (refused.status_code, refused.json()["type"]) == (400, "error")
    assert "requests.2.params.model" in refused.json()["error"]["message"]

    made = ada.made("POST", "/v1/messages/batches", json={"requests": requests}, headers=ANTHROPIC)
    path = f"/v1/messages/batches/{made['id']}"
    assert bob.ask("GET", path, headers=ANTHROPIC).status_code == 404
    assert made["id"] not in str(bob.made("GET", "/v1/messages/batches", headers=ANTHROPIC))
    ada.made("GET", path, headers=ANTHROPIC)
    assert ada.made("GET", path, headers=ANTHROPIC)["processing_status"] == "ended"
    results = ada.ask("GET", f"{path}/results", headers=ANTHROPIC).text.splitlines()
    assert [json.loads(each)["result"]["message"]["model"] for each in results] == ["simulator", "simulator"]
    assert bob.ask("GET", f"{path}/results", headers=ANTHROPIC).status_code == 404
    row = gateway.ledger_row(made["id"])
    assert (row["input_tokens"], row["output_tokens"], row["cost_nanousd"]) == (2, 24, 50_000)
    assert row["model_served"] == "chat-by-anthropic"
    deleted = wait_for("it can be deleted", lambda: _deleted(ada, path))
    assert deleted["type"] == "message_batch_deleted"


def _deleted(owner: Person, path: str) -> dict[str, Any] | None:
    answer = owner.ask("DELETE", path, headers=ANTHROPIC)
    assert answer.status_code in (200, 409), answer.text
    return answer.json() if answer.status_code == 200 else None
