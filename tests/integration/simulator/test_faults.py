"""Every fault, asked for by header or by model name, as the vendors' SDKs and a plain socket see it."""

import json
import socket
import time
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.support.dialects import seen_in_completion
from tests.support.sdks import Calls, calls_to
from tests.support.simulator import RunningSimulator

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "InternalServerError",
}


def faulty(specification: str) -> dict[str, Any]:
    return {"model": "m", "messages": HELLO, "extra_headers": {"x-sim-fault": specification}}


def post(simulator: RunningSimulator, fault: str, *, stream: bool = False, path: str = "/v1/chat/completions") -> Any:
    body = {"model": "m", "messages": HELLO, "stream": stream, "max_tokens": 100}
    headers = {"x-sim-fault": fault, "anthropic-version": "2023-06-01"}
    return httpx2.post(simulator.url + path, json=body, headers=headers)


def raw(simulator: RunningSimulator, fault: str, *, stream: bool = False) -> tuple[bytes, bool]:
    """Everything that a plain socket receives, and whether the end was a reset."""
    body = json.dumps({"model": "m", "messages": HELLO, "stream": stream}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-sim-fault: {fault}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    received = b""
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        try:
            while data := connection.recv(65536):
                received += data
        except ConnectionResetError:
            return received, True
    return received, False


def until_silent(connection: socket.socket) -> bytes:
    """What comes until nothing more comes; fails when the connection ends instead."""
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except TimeoutError:
        return received
    pytest.fail("the connection was closed")


# ---- errors


@pytest.mark.parametrize("status", CLASSES)
async def test_any_status_arrives_as_the_sdks_own_error(calls: Calls, status: int) -> None:
    with pytest.raises(getattr(openai, CLASSES[status]), match=str(status)):
        await calls.chat(**faulty(f"status={status}"))
    with pytest.raises(getattr(anthropic, CLASSES[status]), match=str(status)):
        await calls.messages(max_tokens=5, **faulty(f"status={status}"))


async def test_a_model_name_asks_for_a_fault_too(calls: Calls) -> None:
    with pytest.raises(openai.InternalServerError):
        await calls.chat(model="sim/status=503", messages=HELLO)
    with pytest.raises(anthropic.OverloadedError):
        await calls.messages(model="sim/status=529", messages=HELLO, max_tokens=5)
    with pytest.raises(openai.InternalServerError):
        await calls.embeddings(model="sim/status=500", input="x")


async def test_retry_after_is_sent_and_means_429(calls: Calls) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        await calls.chat(**faulty("retry-after=2"))

    assert caught.value.response.headers["retry-after"] == "2"
    assert caught.value.code == "rate_limit_exceeded"


async def test_a_redirect_names_a_place(simulator: RunningSimulator) -> None:
    answer = post(simulator, "status=302")

    assert (answer.status_code, answer.headers["location"]) == (302, "/health")


async def test_the_first_calls_fail_and_later_ones_succeed(calls: Calls, request: pytest.FixtureRequest) -> None:
    fault = f"fail=2,status=503,key={id(request)}-{time.time_ns()}"
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            await calls.chat(**faulty(fault))
    assert (await calls.chat(**faulty(fault))).choices
    assert (await calls.chat(**faulty(fault))).choices


async def test_failing_first_means_500_when_nothing_else_is_said(calls: Calls) -> None:
    model = f"sim/fail,key=bare-{time.time_ns()}"
    with pytest.raises(openai.InternalServerError, match="500"):
        await calls.chat(model=model, messages=HELLO)
    assert (await calls.chat(model=model, messages=HELLO)).choices


@pytest.mark.parametrize(
    "fault", ["explode", "latency", "latency=200", "status=99", "garbage=1", "cut=-1", "oversize=x"]
)
async def test_a_fault_that_cannot_be_read_is_refused_by_name(calls: Calls, fault: str) -> None:
    with pytest.raises(openai.BadRequestError, match=fault.partition("=")[0]):
        await calls.chat(**faulty(fault))


# ---- time


async def test_latency_delays_the_answer(calls: Calls) -> None:
    started = time.monotonic()
    await calls.chat(**faulty("latency=150ms,jitter=50ms"))

    assert 0.15 <= time.monotonic() - started < 2


@pytest.mark.parametrize("stream", [False, True])
async def test_a_hanging_answer_meets_the_callers_timeout(simulator: RunningSimulator, *, stream: bool) -> None:
    async with calls_to(simulator.url, "k", "async", timeout_s=0.3) as calls:
        ask = calls.chat_stream if stream else calls.chat
        with pytest.raises(openai.APITimeoutError):
            await ask(**faulty("hang"))


async def test_a_stream_hangs_after_some_events(simulator: RunningSimulator) -> None:
    body = json.dumps({"model": "sim/hang=2", "messages": HELLO, "stream": True}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=0.3) as connection:
        connection.sendall(head + body)
        received = until_silent(connection)

    assert received.count(b"data: ") == 2


@pytest.mark.parametrize("fault", ["drip", "drip=1ms", "pace=1ms"])
async def test_a_slow_answer_is_still_whole(calls: Calls, fault: str) -> None:
    plain = seen_in_completion(await calls.chat(model="m", messages=HELLO))
    slow = await calls.chat(**faulty(fault))
    chunks = await calls.chat_stream(**faulty(fault))

    assert seen_in_completion(slow) == plain
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == plain.text


async def test_pace_spreads_a_stream(calls: Calls) -> None:
    started = time.monotonic()
    chunks = await calls.chat_stream(**faulty("pace=20ms"))

    assert time.monotonic() - started >= 0.02 * len(chunks)


# ---- connections


@pytest.mark.parametrize("fault", ["cut=0", "reset=0", "garbage"])
async def test_an_answer_that_never_begins_is_a_connection_error(calls: Calls, fault: str) -> None:
    with pytest.raises(openai.APIConnectionError):
        await calls.chat(**faulty(fault))
    with pytest.raises(anthropic.APIConnectionError):
        await calls.messages_stream(max_tokens=5, **faulty(fault))


async def test_garbage_is_no_http(simulator: RunningSimulator) -> None:
    received, _ = raw(simulator, "garbage")

    assert received
    assert not received.startswith(b"HTTP/")


async def test_a_stream_is_cut_without_its_last_chunk(simulator: RunningSimulator) -> None:
    received, was_reset = raw(simulator, "cut=2", stream=True)

    assert received.count(b"data: ") == 2
    assert not received.endswith(b"0\r\n\r\n")
    assert not was_reset


async def test_a_stream_shorter_than_the_cut_is_cut_at_its_end(simulator: RunningSimulator) -> None:
    received, _ = raw(simulator, "cut=1000", stream=True)

    assert b"[DONE]" in received
    assert not received.endswith(b"0\r\n\r\n")


async def test_a_whole_answer_is_cut_in_its_middle(simulator: RunningSimulator) -> None:
    received, _ = raw(simulator, "cut")
    head, _, body = received.partition(b"\r\n\r\n")

    promised = int(head.lower().partition(b"content-length: ")[2].split()[0])
    assert 0 < len(body) < promised


async def test_a_reset_is_a_reset(simulator: RunningSimulator) -> None:
    assert raw(simulator, "reset=0") == (b"", True)
    _, was_reset = raw(simulator, "reset=2", stream=True)
    assert was_reset


async def test_close_ends_the_connection_after_a_whole_answer(simulator: RunningSimulator) -> None:
    received, was_reset = raw(simulator, "close")

    assert b"connection: close" in received
    assert b"You said: hello" in received
    assert not was_reset


async def test_the_simulator_lives_on_after_its_faults(simulator: RunningSimulator) -> None:
    for fault in ("garbage", "reset=0", "cut=1"):
        raw(simulator, fault, stream=True)

    assert httpx2.get(f"{simulator.url}/health").json() == {"status": "healthy", "simulator": True}


# ---- bodies


async def test_malformed_json_is_malformed(simulator: RunningSimulator) -> None:
    answer = post(simulator, "bad-json")

    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(("fault", "part"), [("bad-json", b"has no en"), ("bad-sse", b"\xff\xfe")])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_stream_is_spoiled_in_its_middle(
    simulator: RunningSimulator, fault: str, part: bytes, path: str
) -> None:
    content = post(simulator, fault, stream=True, path=path).content

    before, found, after = content.partition(part)
    assert found
    assert before.count(b"data: ") >= 2
    assert after.count(b"data: ") > 2


async def test_the_content_type_can_be_wrong(simulator: RunningSimulator) -> None:
    assert post(simulator, "content-type=text/plain").headers["content-type"] == "text/plain"
    page = post(simulator, "html,status=502")
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (502, "text/html")
    assert page.text.startswith("<!doctype html>")


async def test_an_answer_can_be_huge(simulator: RunningSimulator) -> None:
    answer = post(simulator, "oversize=3MB")

    assert len(answer.content) == 3 * 1024 * 1024
    assert answer.json()["object"] == "chat.completion"
    assert len(post(simulator, "oversize=100KB", stream=True).content) > 100 * 1024


async def test_usage_can_be_missing(calls: Calls) -> None:
    completion = await calls.chat(**faulty("no-usage"))
    chunks = await calls.chat_stream(stream_options={"include_usage": True}, **faulty("no-usage"))
    message = await calls.messages(max_tokens=50, **faulty("no-usage"))

    assert completion.usage is None
    assert all(chunk.usage is None for chunk in chunks)
    assert message.usage is None


async def test_a_stream_can_end_without_its_end_marker(simulator: RunningSimulator) -> None:
    chat = post(simulator, "no-end", stream=True).text
    messages = post(simulator, "no-end", stream=True, path="/v1/messages").text

    assert '"finish_reason":"stop"' in chat
    assert "[DONE]" not in chat
    assert "message_delta" in messages
    assert "message_stop" not in messages


async def test_an_error_event_ends_a_stream(calls: Calls) -> None:
    with pytest.raises(openai.APIError, match="529"):
        await calls.chat_stream(**faulty("error-event=2"))
    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        await calls.messages_stream(max_tokens=50, **faulty("error-event"))
    with pytest.raises(anthropic.APIStatusError, match="rate_limit_error"):
        await calls.messages_stream(max_tokens=50, **faulty("error-event=1,status=429"))
