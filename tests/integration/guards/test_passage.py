"""Guards on what is only passed through: prompts, whole answers, streams of several forms, downloads, forms."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.guards.test_relay import decisions_of
from tests.support.guarding import CARD, EMAIL, SECRETS, pii, policy
from tests.support.relay_process import Stage
from tests.support.upstream import Received, Wire, answer, serving
from turnpike.contract.events import Outcome
from turnpike.contract.policies import BoundsSpec, GuardSpec
from turnpike.contract.scopes import DEFAULT_SCOPES, to_bits

pytestmark = pytest.mark.asyncio(loop_scope="module")
MASKED = "write to [EMAIL], card [CARD], account [IBAN], thanks"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _without_policies_afterwards(stage: Stage) -> AsyncIterator[None]:
    yield
    await stage.change(guard_policies=())


def key_of(stage: Stage) -> str:
    return stage.key(scopes=to_bits([*DEFAULT_SCOPES, "passthrough"]))


def streaming(*events: dict[str, Any]) -> Any:
    """A provider that answers with these events, in reads that cut them anywhere."""

    async def step(wire: Wire, received: Received) -> None:
        body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
        pieces = [body[at : at + 50] for at in range(0, len(body), 50)]
        await wire.write(HEAD, *(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces), b"0\r\n\r\n")

    return step


def pieces_of(text: str) -> list[str]:
    return [text[at : at + 3] for at in range(0, len(text), 3)]


def completions(text: str) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {"object": "text_completion", "choices": [{"index": 0, "text": each}]} for each in pieces_of(text)
    ]
    return [*made, {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}], "usage": {"prompt_tokens": 7}}]


def thread_run(text: str) -> list[dict[str, Any]]:
    def delta(each: str) -> dict[str, Any]:
        content = [{"index": 0, "type": "text", "text": {"value": each}}]
        return {"id": "msg_1", "object": "thread.message.delta", "delta": {"content": content}}

    whole = [{"type": "text", "text": {"value": text, "annotations": []}}]
    message = {"id": "msg_1", "object": "thread.message", "status": "completed", "content": whole}
    return [
        *(delta(each) for each in pieces_of(text)),
        message,
        {"id": "run_1", "object": "thread.run", "status": "completed"},
    ]


def text_in(answered: bytes) -> str:
    """Of all deltas."""
    lines = [line.removeprefix(b"data: ") for line in answered.split(b"\n") if line.startswith(b"data: {")]
    found = ""
    for event in map(json.loads, lines):
        for choice in event.get("choices", ()):
            found += choice.get("text", "")
        for part in event.get("delta", {}).get("content", ()) if "object" in event else ():
            found += part["text"]["value"]
    return found


FORMS = {"/v1/completions": completions, "/v1/threads/runs": thread_run}


@pytest.mark.parametrize("path", FORMS)
async def test_a_prompt_and_a_streamed_answer_are_masked(stage: Stage, path: str) -> None:
    await stage.change(guard_policies=(policy(pii("mask")),))
    async with serving(streaming(*FORMS[path](SECRETS * 10))) as upstream:
        body = {"model": await stage.model(upstream), "prompt": SECRETS, "stream": True}
        answered = await stage.ask(path, body, key=key_of(stage))
        assert answered.status == 200, answered.body
        assert upstream.requests[0].json()["prompt"] == MASKED
    assert text_in(answered.body) == MASKED * 10
    assert not any(each.encode() in answered.body for each in (EMAIL, CARD))
    assert answered.body.endswith(b"data: [DONE]\n\n")
    assert sum(count for _, _, where, count in decisions_of(stage, answered) if where == "answer") >= 30


@pytest.mark.parametrize("path", FORMS)
async def test_what_was_taken_out_comes_back(stage: Stage, path: str) -> None:
    await stage.change(guard_policies=(policy(pii("restore", "prompt")),))
    async with serving(streaming(*FORMS[path]("to [EMAIL_1] and on"))) as upstream:
        body = {"model": await stage.model(upstream), "prompt": EMAIL, "stream": True}
        answered = await stage.ask(path, body, key=key_of(stage))
    assert text_in(answered.body) == f"to {EMAIL} and on"


@pytest.mark.parametrize("path", FORMS)
async def test_a_blocked_stream_ends_in_an_error_before_the_find(stage: Stage, path: str) -> None:
    await stage.change(guard_policies=(policy(pii("block", "answer")),))
    async with serving(streaming(*FORMS[path]("x" * 600 + f" {EMAIL} " + "y" * 600))) as upstream:
        body = {"model": await stage.model(upstream), "prompt": "hi", "stream": True}
        answered = await stage.ask(path, body, key=key_of(stage))
    assert answered.status == 200
    assert text_in(answered.body).startswith("xxx")
    assert b"house" in answered.body
    assert b"bob" not in answered.body
    assert b"yyy" not in answered.body
    settled = stage.settled(answered)
    assert (settled.outcome, settled.error_code) == (Outcome.REFUSED, "POLICY_REFUSED")


@pytest.mark.parametrize("closed", [True, False])
async def test_events_that_nobody_knows_pass_only_where_the_policy_fails_open(stage: Stage, closed: bool) -> None:
    await stage.change(guard_policies=(policy(pii("mask"), fail_closed=closed),))
    events = [{"strange": each} for each in (EMAIL, "other")]
    async with serving(streaming(*events)) as upstream:
        body = {"model": await stage.model(upstream), "prompt": "hi", "stream": True}
        answered = await stage.ask("/v1/completions", body, key=key_of(stage))
    if closed:
        assert (answered.status, answered.code) == (400, "POLICY_REFUSED"), answered.body
        assert b"do not know" in answered.body
        assert stage.settled(answered).outcome == Outcome.REFUSED
    else:
        assert b'{"strange":"[EMAIL]"}' in answered.body
        assert b'{"strange":"other"}' in answered.body


@pytest.mark.parametrize(
    ("kind", "content", "wanted"),
    [
        ("text/plain", SECRETS.encode(), MASKED.encode()),
        ("application/octet-stream", b'{"a":"' + EMAIL.encode() + b'"}\n{"b":1}\n', b'{"a":"[EMAIL]"}\n{"b":1}\n'),
        ("application/octet-stream", b"\x00\x01 bytes", None),
    ],
)
async def test_what_is_downloaded_is_masked_where_it_is_text(
    stage: Stage, kind: str, content: bytes, wanted: bytes | None
) -> None:
    await stage.change(guard_policies=(policy(pii("mask", "answer"), media="allow"),))

    async def step(wire: Wire, received: Received) -> None:
        await wire.write(answer(content, content_type=kind))

    async with serving(step, step) as upstream:
        body = {"model": await stage.model(upstream), "prompt": "hi"}
        answered = await stage.ask("/v1/completions", body, key=key_of(stage))
        assert (answered.status, answered.body) == (200, wanted) if wanted is not None else answered.status == 400
        await stage.change(guard_policies=(policy(pii("mask", "answer"), media="allow", fail_closed=False),))
        opened = await stage.ask("/v1/completions", body, key=key_of(stage))
    assert (opened.status, opened.body) == (200, wanted if wanted is not None else content)


async def test_a_form_is_masked_and_has_bounds(stage: Stage) -> None:
    guards = (policy(pii("mask"), bounds=BoundsSpec(max_input_bytes=2000, forbidden_parameters=("purpose2",))),)
    await stage.change(guard_policies=guards)
    kind = "multipart/form-data; boundary=bb"

    def form(name: str, text: str) -> bytes:
        head = b'--bb\r\ncontent-disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), b"user_data")
        file = b'--bb\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n%b\r\n--bb--\r\n'
        return head + file % text.encode()

    async def step(wire: Wire, received: Received) -> None:
        await wire.write(answer({"ok": True}))

    async with serving(step) as upstream:
        await stage.model(upstream, provider={"slug": "formed"})
        key = key_of(stage)

        async def send(body: bytes) -> Any:
            return await stage.ask("/formed/v1/completions", body, key=key, headers=[("content-type", kind)])

        passed = await send(form("purpose", SECRETS))
        assert passed.status == 200, passed.body
        assert MASKED.encode() in upstream.requests[0].body
        large, named = await send(form("purpose", "x" * 3000)), await send(form("purpose2", "x"))
    assert [each.status for each in (large, named)] == [400, 400]
    assert b"bytes" in large.body
    assert b"purpose2" in named.body


async def test_a_moderation_model_is_asked_about_what_is_passed_through(stage: Stage) -> None:
    guard = GuardSpec("moderation", "moderation", "block", on="prompt", model="no-such-model")
    await stage.change(guard_policies=(policy(guard),))

    async def step(wire: Wire, received: Received) -> None:
        await wire.write(answer({"choices": []}))

    async with serving(step) as upstream:
        body = {"model": await stage.model(upstream), "prompt": "hi"}
        closed = await stage.ask("/v1/completions", body, key=key_of(stage))
        await stage.change(guard_policies=(policy(guard, fail_closed=False),))
        opened = await stage.ask("/v1/completions", body, key=key_of(stage))
    assert (closed.status, opened.status) == (400, 200)
    assert b"no-such-model" in closed.body
