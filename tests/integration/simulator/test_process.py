"""The simulator as a process: how it starts, what its call log keeps, how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.simulator import RunningSimulator, running_simulator

HELLO: list[Any] = [{"role": "user", "content": "hello"}]


def chat(url: str, request_id: str, model: str = "m", **more: Any) -> httpx2.Response:
    headers = {"x-request-id": request_id, "authorization": "Bearer sk-secret-0042"}
    return httpx2.post(f"{url}/v1/chat/completions", json={"model": model, "messages": HELLO, **more}, headers=headers)


def test_the_log_tells_every_call(simulator: RunningSimulator) -> None:
    chat(simulator.url, "told-1")
    chat(simulator.url, "told-2", model="sim/status=500", stream=True)
    one, other = (call for call in simulator.calls() if (call["request_id"] or "").startswith("told-"))

    assert (one["method"], one["path"], one["model"], one["stream"]) == ("POST", "/v1/chat/completions", "m", False)
    assert (one["status"], one["ended"], one["fault"], one["key_hint"]) == (200, "complete", None, "0042")
    assert (other["model"], other["stream"]) == ("sim/status=500", True)
    assert (other["status"], other["fault"]) == (500, "status=500")
    assert one["time"].endswith("Z")
    assert one["number"] < other["number"]


def test_the_log_shows_bodies_and_headers_but_no_credential(simulator: RunningSimulator) -> None:
    chat(simulator.url, "with-body", extra_field={"kept": True})
    (call,) = simulator.calls_of("with-body")

    assert json.loads(call["body"])["extra_field"] == {"kept": True}
    assert call["headers"]["x-request-id"] == "with-body"
    assert "sk-secret" not in json.dumps(simulator.calls(bodies=True))


def test_a_call_is_in_the_log_before_its_answer(simulator: RunningSimulator) -> None:
    with (
        pytest.raises(httpx2.ReadTimeout),
        httpx2.Client(timeout=0.2) as client,
    ):
        client.post(
            f"{simulator.openai_url}/chat/completions",
            json={"model": "sim/hang", "messages": HELLO},
            headers={"x-request-id": "hung"},
        )
    assert len(simulator.calls_of("hung")) == 1


def test_a_caller_that_leaves_is_noticed(simulator: RunningSimulator) -> None:
    body = json.dumps({"model": "sim/pace=20ms", "messages": HELLO, "stream": True}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-request-id: gone\r\ncontent-length: %d\r\n\r\n" % len(
        body
    )
    with socket.create_connection(("127.0.0.1", simulator.port)) as connection:
        connection.sendall(head + body)
        connection.recv(100)
    deadline = time.monotonic() + 5
    while simulator.calls_of("gone")[0]["ended"] is None and time.monotonic() < deadline:
        time.sleep(0.02)

    assert simulator.calls_of("gone")[0]["ended"] == "client_left"


def test_the_log_can_be_cleared() -> None:
    with running_simulator() as own:
        chat(own.url, "one")
        chat(own.url, "two", model="sim/fail=1")
        assert [call["request_id"] for call in own.calls(last=1)] == ["two"]

        assert httpx2.delete(f"{own.url}/_sim/calls").json() == {"cleared": True}

        assert own.calls() == []
        assert chat(own.url, "three", model="sim/fail=1").status_code == 500, "counters begin anew"


def test_the_file_has_every_answered_call_after_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "calls.ndjson"
    answered: list[str] = []

    def ask(url: str, worker: int) -> None:
        number = 0
        while True:
            try:
                chat(url, f"{worker}-{number}")
            except httpx2.HTTPError:
                return
            answered.append(f"{worker}-{number}")
            number += 1

    with running_simulator(call_log=file) as own:
        threads = [threading.Thread(target=ask, args=(own.url, worker)) for worker in range(3)]
        for thread in threads:
            thread.start()
        while len(answered) < 40:
            time.sleep(0.01)
        os.kill(own.process.pid, signal.SIGKILL)
        for thread in threads:
            thread.join(10)

    logged = [json.loads(line) for line in file.read_text().splitlines()]
    assert {call["request_id"] for call in logged} >= set(answered)
    assert [call["number"] for call in logged] == list(range(1, len(logged) + 1))
    assert set(logged[0]) >= {"request_id", "path", "model", "time"}


def test_it_starts_quickly_and_says_its_port() -> None:
    started = time.monotonic()
    with running_simulator() as own:
        # A bound for a busy machine; on an idle one it takes a third of a second.
        assert time.monotonic() - started < 5
        assert httpx2.get(f"{own.url}/health").status_code == 200


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_even_while_a_call_hangs(how: signal.Signals) -> None:
    with running_simulator() as own, socket.create_connection(("127.0.0.1", own.port)) as connection:
        body = json.dumps({"model": "sim/hang", "messages": HELLO}).encode()
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        while not own.calls():
            time.sleep(0.01)
        own.process.send_signal(how)
        assert own.process.wait(5) == 0


def test_a_taken_port_is_a_clear_error(simulator: RunningSimulator) -> None:
    command = [sys.executable, "-m", "turnpike.simulator", "--port", str(simulator.port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)

    assert ended.returncode == 1
    assert f"cannot start on 127.0.0.1:{simulator.port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_pipelined_and_kept_alive_requests_are_answered_in_order(simulator: RunningSimulator) -> None:
    def request(text: str) -> bytes:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        return head.encode() + body

    received = b""
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as connection:
        connection.sendall(request("first") + request("second"))
        while received.count(b"HTTP/1.1 200") < 2 or b"second" not in received:
            received += connection.recv(65536)

    assert received.index(b"You said: first") < received.index(b"You said: second")
