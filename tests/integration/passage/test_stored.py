"""Answers that a provider stores belong to who asked for them, and only they go on from them."""

import json
from typing import Any

import pytest

from tests.integration.passage.conftest import Person
from tests.support.gateway import RunningGateway


def chat(owner: Person, text: str, **more: Any) -> dict[str, Any]:
    body = {"model": "chat-by-openai", "messages": [{"role": "user", "content": text}], **more}
    return owner.made("POST", "/v1/chat/completions", json=body)


def listed(owner: Person) -> list[str]:
    return [each["id"] for each in owner.made("GET", "/v1/chat/completions")["data"]]


def test_a_stored_chat_is_its_askers(ada: Person, bob: Person) -> None:
    made = chat(ada, "stored one", store=True)["id"]
    path = f"/v1/chat/completions/{made}"

    assert ada.made("GET", path)["id"] == made
    assert ada.made("GET", f"{path}/messages")["data"][0]["role"] == "assistant"
    assert made in listed(ada)
    assert made not in listed(bob)
    for method in ("GET", "POST", "DELETE"):
        options = {"json": {"metadata": {}}} if method == "POST" else {}
        assert bob.ask(method, path, **options).status_code == 404
    assert ada.made("DELETE", path)["deleted"] is True
    assert ada.ask("GET", path).status_code == 404


def test_a_streamed_chat_that_is_stored_has_an_owner_when_it_ends(ada: Person, bob: Person) -> None:
    body = {"model": "chat-by-openai", "messages": [{"role": "user", "content": "a stored stream"}]}
    text = ada.ask("POST", "/v1/chat/completions", json={**body, "store": True, "stream": True}).text
    made = json.loads(text.partition("data: ")[2].partition("\n")[0])["id"]

    assert ada.ask("GET", f"/v1/chat/completions/{made}").status_code == 200
    assert bob.ask("GET", f"/v1/chat/completions/{made}").status_code == 404


@pytest.mark.parametrize("store", [None, False])
def test_what_is_not_stored_has_no_owner(ada: Person, store: bool | None) -> None:
    more = {} if store is None else {"store": store}
    made = chat(ada, f"not stored {store}", **more)["id"]

    assert ada.ask("GET", f"/v1/chat/completions/{made}").status_code == 404


def test_a_stored_chat_is_settled_like_any_other(gateway: RunningGateway, ada: Person) -> None:
    body = {"model": "chat-by-openai", "messages": [{"role": "user", "content": "hello"}], "store": True}
    ada.made("POST", "/v1/chat/completions", json=body, headers={"x-request-id": "stored-settled"})

    assert gateway.ledger_row("stored-settled")["cost_nanousd"] == 25_000


@pytest.mark.parametrize("spelled", ["file_id", "\\u0066ile_id"])
def test_a_chat_cannot_name_anothers_file(ada: Person, bob: Person, spelled: str) -> None:
    name = ada.upload(b"text").json()["id"]
    part = {"type": "file", "file": {"file_id": name}}
    body = json.dumps({"model": "chat-by-openai", "messages": [{"role": "user", "content": [part]}]})
    sent: Any = {"content": body.replace("file_id", spelled), "headers": {"content-type": "application/json"}}
    refused = bob.ask("POST", "/v1/chat/completions", **sent)

    assert refused.status_code == 404
    assert refused.json()["error"]["param"] == "messages[0].content[0].file.file_id"
    made = ada.made("POST", "/v1/chat/completions", **sent)["id"]
    assert ada.ask("GET", f"/v1/chat/completions/{made}").status_code == 404, "naming a file stores no chat"


def test_a_message_cannot_name_anothers_file(ada: Person, bob: Person) -> None:
    headers = {"anthropic-version": "2023-06-01"}
    name = ada.ask("POST", "/v1/files", files={"file": ("a.txt", b"text")}, headers=headers).json()["id"]
    block = {"type": "document", "source": {"type": "file", "file_id": name}}
    body = {"model": "chat-by-anthropic", "max_tokens": 50, "messages": [{"role": "user", "content": [block]}]}
    refused = bob.ask("POST", "/v1/messages", json=body, headers=headers)

    assert (refused.status_code, refused.json()["error"]["type"]) == (404, "not_found_error")
    assert ada.ask("POST", "/v1/messages", json=body, headers=headers).status_code != 404
