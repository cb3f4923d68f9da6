"""Files on their way to a provider: more than memory is meant to hold, and read in one way only."""

import json
from hashlib import sha256
from typing import Any

import pytest

from tests.integration.passage.conftest import Person
from tests.integration.passage.test_batches import line, lines
from tests.support.gateway import RunningGateway

BODY_LIMIT = 32 * 1024 * 1024
"""Of what is kept in memory."""
BOUNDARY = "----a-boundary-of-its-own"
AS_FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def form(*parts: tuple[str, bytes]) -> bytes:
    """Parts with the rest of their Content-Disposition."""
    written = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {rest}\r\n\r\n".encode() + content + b"\r\n"
        for rest, content in parts
    ]
    return b"".join(written) + f"--{BOUNDARY}--\r\n".encode()


def test_a_file_larger_than_memory_is_meant_to_hold_arrives_whole(ada: Person) -> None:
    content = bytes(range(256)) * (BODY_LIMIT // 256 + 4096)
    made = ada.upload(content)
    assert made.status_code == 200, made.text
    back = ada.ask("GET", f"/v1/files/{made.json()['id']}/content")

    assert len(back.content) == len(content)
    assert sha256(back.content).digest() == sha256(content).digest()


def test_the_lines_of_a_long_batch_are_judged_and_renamed(ada: Person) -> None:
    filler = {"role": "user", "content": "x" * 1000}
    body = {"model": "chat-by-openai", "messages": [filler]}
    content = lines(*(line(f"call-{number}", body=body) for number in range(1500)))
    made = ada.upload(content, purpose="batch")
    assert made.status_code == 200, made.text
    kept = ada.ask("GET", f"/v1/files/{made.json()['id']}/content").content.splitlines()

    assert len(kept) == 1500
    assert {json.loads(each)["body"]["model"] for each in kept} == {"simulator"}
    wrong = ada.upload(content + lines(line("last", model="nowhere")), purpose="batch")
    assert wrong.status_code == 400
    assert wrong.json()["error"]["message"].startswith("line 1501, body.model:")


@pytest.mark.parametrize(
    "parts",
    [
        [('name="purpose"; filename="p"', b"batch"), ('name="file"; filename="f"', b"{}")],
        [('name="%70urpose"', b"batch"), ('name="file"; filename="f"', b"{}")],
        [('name="purpose"', b"batch"), ('name="purpose"', b"user_data"), ('name="file"; filename="f"', b"{}")],
        [("filename=nameless", b"x")],
    ],
)
def test_a_form_that_could_be_read_in_two_ways_is_refused(
    gateway: RunningGateway, ada: Person, parts: list[tuple[str, bytes]]
) -> None:
    before = len(gateway.simulator.calls())
    answer = ada.ask("POST", "/v1/files", content=form(*parts), headers=AS_FORM)

    assert answer.status_code == 400, answer.text
    assert len(gateway.simulator.calls()) == before


def test_behind_a_providers_slug_a_form_goes_the_same_way(ada: Person) -> None:
    made = ada.upload(b"y" * (BODY_LIMIT + 1), path="/sim-openai/v1/files")

    assert made.status_code == 200, made.text
    assert made.json()["bytes"] == BODY_LIMIT + 1


def test_a_name_of_a_model_in_a_form_becomes_the_providers(gateway: RunningGateway, ada: Person) -> None:
    parts: list[tuple[str, Any]] = [('name="model"', b"chat-by-openai"), ('name="file"; filename="f"', b"z" * 300_000)]
    headers = {**AS_FORM, "x-request-id": "form-with-model"}
    ada.ask("POST", "/v1/skills", content=form(*parts), headers=headers)
    (call, *_) = gateway.simulator.calls_of("form-with-model")

    assert 'name="model"\r\n\r\nsimulator\r\n' in call["body"]
