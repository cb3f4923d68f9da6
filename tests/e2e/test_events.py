"""Webhooks and the event stream of a whole gateway: what a kill leaves, and what comes through the relay."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from tests.support.installation import Installation, installation, until
from tests.support.simulator import RunningSimulator
from turnpike.kit.sse import SseParser


class Hook:
    """Takes webhooks, and holds its answer back until `free`."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.free = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.got.append((dict(self.headers.items()), body))
                hook.free.wait(60)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.free.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


@contextmanager
def running(folder: Path, upstream: RunningSimulator, **more: str) -> Iterator[Installation]:
    env = {"TURNPIKE_WEBHOOK_ALLOW_ADDRESSES": "127.0.0.0/8", **more}
    with installation(folder / "gateway", upstream, env=env) as made:
        made.wait_until_well()
        yield made


@pytest.fixture
def gateway(tmp_path: Path, upstream: RunningSimulator) -> Iterator[Installation]:
    with running(tmp_path, upstream) as made:
        yield made


@pytest.fixture
def either(tmp_path: Path, upstream: RunningSimulator, database_env: dict[str, str]) -> Iterator[Installation]:
    """On SQLite and on PostgreSQL."""
    with running(tmp_path, upstream, **database_env) as made:
        yield made


@contextmanager
def following(gateway: Installation) -> Iterator[list[tuple[float, str, str]]]:
    """Events of the stream as they come, with the time of their coming."""
    seen: list[tuple[float, str, str]] = []
    over = threading.Event()

    def read() -> None:
        headers = {"authorization": f"Bearer {gateway.admin_key}"}
        parser = SseParser()
        with httpx2.stream("GET", f"{gateway.gateway.url}/api/v1/events", headers=headers, timeout=60) as response:
            for part in response.iter_raw():
                seen.extend((time.monotonic(), event.event, event.data) for event in parser.feed(part))
                if over.is_set():
                    return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()


def test_what_was_sent_and_not_marked_when_control_died_is_sent_again_under_the_same_id(
    either: Installation, hook: Hook
) -> None:
    gateway = either
    made = json.loads(gateway.command("webhooks", "add", hook.url, "--events", "key.*", "--json"))
    gateway.running.create_key("told twice")
    until(lambda: len(hook.got) == 1, "the first delivery is under way")
    gateway.kill_one("control")
    hook.free.set()
    until(lambda: len(hook.got) == 2, "the delivery is made again")
    (first, first_body), (second, second_body) = hook.got
    assert first["webhook-id"] == second["webhook-id"]
    assert first_body == second_body
    told = Webhook(made["secret"]).verify(second_body, second)
    assert (told["type"], told["data"]["name"]) == ("key.created", "told twice")

    def shown() -> list[dict[str, Any]]:
        return json.loads(gateway.command("webhooks", "deliveries", made["id"], "--json"))

    until(lambda: shown()[0]["status"] == "delivered", "it is marked")
    gateway.command("webhooks", "replay", shown()[0]["id"])
    until(lambda: len(hook.got) == 3, "it is replayed")
    assert hook.got[2][0]["webhook-id"] == first["webhook-id"]
    gateway.command("webhooks", "remove", hook.url)
    assert json.loads(gateway.command("webhooks", "list", "--json")) == []


def test_the_stream_comes_through_the_relay_as_it_happens_and_does_not_hold_up_the_end(
    gateway: Installation,
) -> None:
    with following(gateway) as seen:
        until(lambda: seen, "the stream is open")
        began = time.monotonic()
        gateway.running.create_key("streamed")
        until(lambda: any(kind == "key.created" for _, kind, _ in seen), "the event is there")
        at, _, data = next(each for each in seen if each[1] == "key.created")
        assert json.loads(data)["data"]["name"] == "streamed"
        assert at - began < 5.0  # at once, and what a busy machine takes; a buffer would keep it for ever
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 20.0


def test_alerts_are_made_and_silenced_by_the_command(gateway: Installation, hook: Hook) -> None:
    hook.free.set()
    target = json.loads(gateway.command("alerts", "add-target", "chat", "--slack", hook.url, "--json"))
    words = ("spend", "--name", "day", "--threshold", "100", "--minutes", "1440", "--target", "chat")
    rule = json.loads(gateway.command("alerts", "add-rule", *words, "--json"))
    assert rule["targets"] == [target["id"]]
    assert [each["name"] for each in json.loads(gateway.command("alerts", "rules", "--json"))] == ["day"]
    gateway.command("alerts", "test-target", "chat")
    until(lambda: hook.got, "the test is there")
    assert json.loads(hook.got[0][1]) == {"text": "*[test] Turnpike*\nA test from Turnpike."}
    silence = json.loads(gateway.command("alerts", "silence", "day", "--until", "2h", "--json"))
    gateway.command("alerts", "unsilence", silence["id"])
    assert json.loads(gateway.command("alerts", "history", "--json")) == []
    gateway.command("alerts", "remove-rule", "day")
    gateway.command("alerts", "remove-target", "chat")
    assert json.loads(gateway.command("alerts", "targets", "--json")) == []
