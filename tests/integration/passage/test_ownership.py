"""Two people share an account at a provider and never see each other's objects."""

from typing import Any

import pytest

from tests.integration.passage.conftest import Person

MAKERS: dict[str, tuple[str, dict[str, Any]]] = {
    "vector_store": ("/v1/vector_stores", {"name": "v"}),
    "assistant": ("/v1/assistants", {"model": "chat-by-openai"}),
    "thread": ("/v1/threads", {}),
    "conversation": ("/v1/conversations", {}),
    "container": ("/v1/containers", {"name": "c"}),
    "eval": ("/v1/evals", {"name": "e"}),
}


def missing_form(path: str, name: str, person: Person) -> dict[str, Any]:
    """What is answered for an object that was never made, with this object's id put in."""
    never = f"{path}/never-made"
    return {"error": {**person.ask("GET", never).json()["error"], "message": ""}, "id": name} | {"id": ""}


def shape(answer: Any) -> dict[str, Any]:
    return {"error": {**answer.json()["error"], "message": ""}, "id": ""}


@pytest.mark.parametrize("kind", MAKERS)
def test_an_object_is_its_makers_alone(ada: Person, bob: Person, kind: str) -> None:
    path, body = MAKERS[kind]
    made = ada.made("POST", path, json=body)
    one = f"{path}/{made['id']}"

    assert ada.made("GET", one)["id"] == made["id"]
    for method in ("GET", "POST", "DELETE", "PUT", "PATCH", "HEAD"):
        options = {"json": {"metadata": {}}} if method in ("POST", "PUT", "PATCH") else {}
        refused = bob.ask(method, one, **options)
        assert refused.status_code == 404, method
        if method != "HEAD":
            assert shape(refused) == missing_form(path, made["id"], bob)
    assert ada.made("GET", one)["id"] == made["id"], "nothing of it was changed"


def test_a_refusal_of_anothers_object_reads_like_one_of_a_missing_object(ada: Person, bob: Person) -> None:
    name = ada.upload(b"hers").json()["id"]
    foreign = bob.ask("GET", f"/v1/files/{name}")
    missing = bob.ask("GET", "/v1/files/file-never")

    assert foreign.json()["error"]["message"] == missing.json()["error"]["message"].replace("file-never", name)
    assert {k: v for k, v in foreign.json()["error"].items() if k != "message"} == {
        k: v for k, v in missing.json()["error"].items() if k != "message"
    }


def test_files_are_listed_read_and_deleted_by_their_owner_only(ada: Person, bob: Person) -> None:
    hers = [ada.upload(b"file %d" % number).json()["id"] for number in range(3)]
    his = bob.upload(b"his").json()["id"]

    def listed(person: Person, query: str = "") -> list[str]:
        return [each["id"] for each in person.made("GET", f"/v1/files{query}")["data"]]

    assert set(hers) <= set(listed(ada))
    assert his not in listed(ada)
    assert his in listed(bob)
    assert not set(hers) & set(listed(bob))
    assert ada.ask("GET", f"/v1/files/{hers[0]}/content").content == b"file 0"
    assert bob.ask("GET", f"/v1/files/{hers[0]}/content").status_code == 404
    assert bob.ask("DELETE", f"/v1/files/{hers[0]}").status_code == 404
    assert ada.made("DELETE", f"/v1/files/{hers[0]}")["deleted"] is True
    assert ada.ask("GET", f"/v1/files/{hers[0]}").status_code == 404
    assert hers[0] not in listed(ada)


def test_a_page_is_full_although_others_objects_lie_between(ada: Person, bob: Person) -> None:
    hers = []
    for _ in range(3):
        hers.append(ada.made("POST", "/v1/vector_stores", json={"name": "hers"})["id"])
        for _ in range(3):
            bob.made("POST", "/v1/vector_stores", json={"name": "his"})
    found: list[str] = []
    after = ""
    for _ in range(10):
        page = ada.made("GET", f"/v1/vector_stores?limit=2{after}")
        ids = [each["id"] for each in page["data"]]
        assert len(ids) == 2 or not page["has_more"]
        assert (page["first_id"], page["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))
        found += ids
        if not page["has_more"]:
            break
        after = f"&after={page['last_id']}"

    assert len(found) == len(set(found))
    assert found[:3] == hers[::-1], "the newest first"
    assert page["has_more"] is False


def test_a_person_without_objects_gets_an_empty_list_with_no_more(ada: Person, bob: Person) -> None:
    ada.made("POST", "/v1/evals", json={"name": "one"})
    page = bob.made("GET", "/v1/evals?limit=1")

    assert (page["data"], page["has_more"], page["first_id"]) == ([], False, None)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/batches", {"input_file_id": "?", "endpoint": "/v1/chat/completions", "completion_window": "24h"}),
        ("/v1/fine_tuning/jobs", {"training_file": "?", "model": "chat-by-openai"}),
        ("/v1/vector_stores", {"file_ids": ["?"]}),
        ("/v1/threads", {"messages": [{"role": "user", "attachments": [{"file_id": "?"}], "content": "x"}]}),
        ("/v1/containers", {"name": "c", "file_ids": ["?"]}),
        ("/v1/assistants", {"model": "chat-by-openai", "tool_resources": {"code_interpreter": {"file_ids": ["?"]}}}),
        ("/v1/assistants", {"model": "chat-by-openai", "Tool_Resources": [{"FILE_ID": "?"}]}),
    ],
)
def test_a_body_cannot_name_anothers_file(ada: Person, bob: Person, path: str, body: dict[str, Any]) -> None:
    name = ada.upload(b"hers").json()["id"]

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return name if value == "?" else value

    refused = bob.ask("POST", path, json=filled(body))

    assert refused.status_code == 404, refused.text
    assert name in refused.json()["error"]["message"]


def test_a_field_that_stands_twice_goes_on_once(ada: Person, bob: Person) -> None:
    """The last one counts here; a provider that takes the first must not see another one."""
    hers = ada.upload(b"hers").json()["id"]
    his = bob.upload(b"his").json()["id"]
    body = f'{{"file_ids": ["{hers}"], "name": "x", "file_ids": ["{his}"]}}'
    made = bob.ask("POST", "/v1/vector_stores", content=body, headers={"content-type": "application/json"})

    assert made.json()["file_ids"] == [his]


def test_results_of_a_job_belong_to_its_owner(ada: Person, bob: Person) -> None:
    name = ada.upload(b"{}", purpose="fine-tune").json()["id"]
    job = ada.made("POST", "/v1/fine_tuning/jobs", json={"training_file": name, "model": "chat-by-openai"})
    path = f"/v1/fine_tuning/jobs/{job['id']}"
    ada.made("GET", path)
    done = ada.made("GET", path)

    assert done["status"] == "succeeded"
    results = f"/v1/files/{done['result_files'][0]}/content"
    assert ada.ask("GET", results).content == b"step,loss\n1,0.5\n"
    assert bob.ask("GET", results).status_code == 404


def test_what_lies_inside_an_object_is_reached_through_it(ada: Person, bob: Person) -> None:
    name = ada.upload(b"hers").json()["id"]
    store = ada.made("POST", "/v1/vector_stores", json={"name": "v"})["id"]
    inside = f"/v1/vector_stores/{store}/files"
    ada.made("POST", inside, json={"file_id": name})

    assert [each["id"] for each in ada.made("GET", inside)["data"]] == [name]
    assert ada.made("POST", f"/v1/vector_stores/{store}/search", json={"query": "x"})["data"] == []
    for method, path in (("GET", inside), ("GET", f"{inside}/{name}"), ("DELETE", f"{inside}/{name}")):
        assert bob.ask(method, path).status_code == 404


def test_two_keys_of_one_person_share_what_they_made(ada: Person, gateway: Any) -> None:
    name = ada.upload(b"shared").json()["id"]
    other = Person(ada.url, gateway.create_key("other", user_id=ada.user_id, scopes=["passthrough"]), ada.user_id)

    assert other.made("GET", f"/v1/files/{name}")["id"] == name


def test_anthropics_files_have_owners_too(ada: Person, bob: Person) -> None:
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "files-api-2025-04-14"}
    made = ada.ask("POST", "/v1/files", files={"file": ("a.txt", b"text")}, headers=headers).json()

    assert made["type"] == "file"
    refused = bob.ask("GET", f"/v1/files/{made['id']}", headers=headers)
    assert (refused.status_code, refused.json()["error"]["type"]) == (404, "not_found_error")
    assert ada.made("GET", f"/v1/files/{made['id']}", headers=headers)["id"] == made["id"]
    assert made["id"] not in str(bob.made("GET", "/v1/files", headers=headers))
    assert ada.ask("GET", f"/v1/files/{made['id']}").status_code == 404, "of another API"
