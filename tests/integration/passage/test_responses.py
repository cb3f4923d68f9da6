"""Stored responses belong to who asked, and a response goes on only from the caller's own."""

import json
from typing import Any

import openai
import pytest

from tests.integration.passage.conftest import Person
from tests.support.gateway import RunningGateway
from turnpike.wire.operations import ENDPOINTS

PATH = "/v1/responses"
pytestmark = pytest.mark.skipif(
    all(endpoint.path != PATH for endpoint in ENDPOINTS), reason="responses are not answered by the relay"
)


def ask(owner: Person, text: str, **more: Any) -> dict[str, Any]:
    return owner.made("POST", PATH, json={"model": "chat-by-openai", "input": text, **more})


def test_a_stored_response_is_its_askers(ada: Person, bob: Person) -> None:
    made = ask(ada, "stored response")["id"]

    assert ada.made("GET", f"{PATH}/{made}")["id"] == made
    assert ada.made("GET", f"{PATH}/{made}/input_items")["data"] == []
    for method, path in (("GET", made), ("DELETE", made), ("POST", f"{made}/cancel"), ("GET", f"{made}/input_items")):
        assert bob.ask(method, f"{PATH}/{path}").status_code == 404
    assert ada.made("DELETE", f"{PATH}/{made}")["deleted"] is True
    assert ada.ask("GET", f"{PATH}/{made}").status_code == 404


def test_a_streamed_response_has_an_owner_when_it_ends(ada: Person, bob: Person) -> None:
    body = {"model": "chat-by-openai", "input": "streamed response", "stream": True}
    text = ada.ask("POST", PATH, json=body).text
    made = json.loads(text.partition("data: ")[2].partition("\n")[0])["response"]["id"]

    assert ada.ask("GET", f"{PATH}/{made}").status_code == 200
    assert bob.ask("GET", f"{PATH}/{made}").status_code == 404


def test_a_response_that_is_not_stored_has_no_owner(ada: Person) -> None:
    made = ask(ada, "not stored response", store=False)["id"]

    assert ada.ask("GET", f"{PATH}/{made}").status_code == 404


@pytest.mark.parametrize("stream", [False, True])
def test_nobody_goes_on_from_anothers_response(gateway: RunningGateway, ada: Person, bob: Person, stream: bool) -> None:
    made = ask(ada, f"to go on from {stream}")["id"]
    body = {"model": "chat-by-openai", "input": "on", "previous_response_id": made, "stream": stream}
    before = len(gateway.simulator.calls())
    refused = bob.ask("POST", PATH, json=body)

    assert (refused.status_code, refused.json()["error"]["param"]) == (404, "previous_response_id")
    assert len(gateway.simulator.calls()) == before
    assert ada.ask("POST", PATH, json=body).status_code != 404
    assert bob.ask("POST", PATH, json={**body, "previous_response_id": "resp_never"}).status_code == 404


def test_a_response_goes_on_where_its_predecessor_is_kept(ada: Person) -> None:
    made = ask(ada, "kept at one provider", model="chat-by-both")
    provider = ada.ask("GET", f"{PATH}/{made['id']}").headers["x-turnpike-provider"]
    for _ in range(4):
        body = {"model": "chat-by-both", "input": "on", "previous_response_id": made["id"]}
        answer = ada.ask("POST", PATH, json=body)
        assert answer.headers.get("x-turnpike-provider", provider) == provider
    body = {"model": "chat-by-anthropic", "input": "on", "previous_response_id": made["id"]}
    elsewhere = ada.ask("POST", PATH, json=body)
    assert (elsewhere.status_code, elsewhere.json()["error"]["param"]) == (400, "model")


@pytest.mark.parametrize(
    "more",
    [
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "?"}]}]},
        {"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["?"]}}]},
        {"conversation": "?"},
        {"conversation": {"id": "?"}},
        {"tools": [{"type": "file_search", "vector_store_ids": ["?"]}]},
    ],
)
def test_a_response_cannot_name_what_is_anothers(ada: Person, bob: Person, more: dict[str, Any]) -> None:
    name = ada.upload(b"hers").json()["id"]
    body = json.loads(json.dumps({"model": "chat-by-openai", "input": "x", **more}).replace('"?"', json.dumps(name)))

    assert bob.ask("POST", PATH, json=body).status_code == 404


def reference(name: str) -> list[dict[str, Any]]:
    return [{"type": "item_reference", "id": name}, {"role": "user", "content": "and now?"}]


def items_of(owner: Person, text: str, *, stream: bool) -> list[str]:
    """Ids of the items of an answer of the owner's."""
    if not stream:
        return [item["id"] for item in ask(owner, text)["output"]]
    said = owner.ask("POST", PATH, json={"model": "chat-by-openai", "input": text, "stream": True}).text
    data = [json.loads(line.removeprefix("data: ")) for line in said.splitlines() if line.startswith("data: {")]
    assert data[-1]["type"] == "response.completed"
    return [item["id"] for item in data[-1]["response"]["output"]]


@pytest.mark.parametrize("stream", [False, True])
def test_an_item_of_anothers_response_cannot_be_referenced(
    gateway: RunningGateway, ada: Person, bob: Person, stream: bool
) -> None:
    names = items_of(ada, f"an item of hers {stream} {'word ' * 40}", stream=stream)
    assert names
    for name in (*names, "msg_never"):
        for path in (PATH, f"{PATH}/input_tokens", f"{PATH}/compact"):
            before = len(gateway.simulator.calls())
            body = {"model": "chat-by-openai", "input": reference(name), "stream": stream and path == PATH}
            refused = bob.ask("POST", path, json=body)
            error = refused.json()["error"]
            assert (refused.status_code, error["param"]) == (404, "input[0].id"), path
            assert "Send the item itself" in error["message"] or path.endswith("compact")
            assert len(gateway.simulator.calls()) == before
    for name in names:
        body = {"model": "chat-by-openai", "input": reference(name), "stream": stream}
        answer = ada.ask("POST", PATH, json=body)
        assert answer.headers.get("x-turnpike-provider") == "sim-openai", answer.text
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("item", [{"type": "reasoning", "summary": []}, {"type": "image_generation_call"}, {}])
def test_nor_one_whose_provider_knows_the_rest_of_it(
    gateway: RunningGateway, ada: Person, bob: Person, item: dict[str, Any]
) -> None:
    (name,) = items_of(ada, f"the rest of it {item}", stream=False)
    body = {"model": "chat-by-openai", "input": [{**item, "id": name}, {"role": "user", "content": "what was it?"}]}

    before = len(gateway.simulator.calls())
    assert bob.ask("POST", PATH, json=body).status_code == 404
    assert len(gateway.simulator.calls()) == before
    assert ada.ask("POST", PATH, json=body).status_code != 404
    assert len(gateway.simulator.calls()) == before + 1


def test_an_item_of_a_response_that_is_not_stored_cannot_be_referenced(ada: Person) -> None:
    (item,) = ask(ada, "an item that nobody keeps", store=False)["output"]

    assert ada.ask("POST", PATH, json={"model": "chat-by-openai", "input": reference(item["id"])}).status_code == 404
    assert ada.ask("POST", PATH, json={"model": "chat-by-openai", "input": [item]}).status_code == 200


def test_an_item_goes_to_the_provider_that_keeps_it(ada: Person) -> None:
    (item,) = ask(ada, "an item kept at one provider")["output"]
    for _ in range(4):
        answer = ada.ask("POST", PATH, json={"model": "chat-by-both", "input": reference(item["id"])})
        assert answer.headers["x-turnpike-provider"] == "sim-openai", answer.text
    elsewhere = ada.ask("POST", PATH, json={"model": "chat-by-anthropic", "input": reference(item["id"])})
    assert (elsewhere.status_code, elsewhere.json()["error"]["param"]) == (400, "model")


def test_an_id_that_stands_by_the_way_means_nothing_to_a_provider_of_another_api(ada: Person) -> None:
    """A thought of a model there goes back as it came, and is known by what it says."""
    thought = {"type": "reasoning", "id": "rs_never", "summary": [{"type": "summary_text", "text": "Hm."}]}
    body: dict[str, Any] = {
        "input": [{"role": "user", "content": "Think."}, thought, {"role": "user", "content": "and now?"}]
    }

    answer = ada.ask("POST", PATH, json={"model": "chat-by-anthropic", **body})
    assert answer.status_code == 200, answer.text
    assert ada.ask("POST", PATH, json={"model": "chat-by-openai", **body}).status_code == 404


def test_the_sdk_reads_a_stored_response(gateway: RunningGateway, ada: Person) -> None:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=ada.key, max_retries=0) as client:
        made = client.responses.create(model="chat-by-openai", input="for the sdk")
        assert client.responses.retrieve(made.id).output_text == made.output_text
        client.responses.delete(made.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(made.id)
