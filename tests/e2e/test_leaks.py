"""Secrets that are recognised wherever they turn up: everything is used, every kind of error is provoked, and then all
that was answered, logged and stored is searched."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.echoing import MODELS as ECHOES
from tests.support.echoing import echoing_upstream
from tests.support.gateway import wait_for
from tests.support.installation import (
    PATIENCE_S,
    Installation,
    children_of,
    command_line,
    installation,
    until,
)
from tests.support.simulator import RunningSimulator, running_simulator

RIGHT = "sk-right-QmVuY2ggbWFyayBpcyBub3QgYSBzZWNyZXQ-1111"
WRONG = "sk-wrong-TGVha3MgYXJlIGZvdW5kIGJ5IGdyZXBwaW5n-2222"
ECHOED = "sk-echoed-UmVwZWF0ZWQgYnkgdGhlIHByb3ZpZGVyIGl0c2VsZg-5555"
UNUSED = "sk-unused-Tm9ib2R5IHNob3VsZCBzZWUgdGhpcyBhdCBhbGw-3333"
ODD = "gibberish-that-looks-like-no-vendors-key-4444"
PROMPT = "prompt-words-that-belong-to-their-author-alone"
SEALED = {"secrets.json", "snapshot.sealed", "first-key.txt"}
"""Where secrets are kept on purpose: sealed, or for their owner alone (mode 0600)."""

FAULTS = {
    "fails": "sim/status=500",
    "busy": "sim/status=429,retry-after=1",
    "cut": "sim/cut=2",
    "reset": "sim/reset=2",
    "garbage": "sim/garbage",
    "half": "sim/bad-json",
    "page": "sim/html",
    "error-event": "sim/error-event=2",
    "unknown": "missing-model",
}


@pytest.fixture
def echoing() -> Iterator[str]:
    with echoing_upstream() as address:
        yield address


@pytest.fixture
def picky_upstream(tmp_path: Path) -> Iterator[RunningSimulator]:
    with running_simulator(api_key=RIGHT, call_log=tmp_path / "upstream.log") as running:
        yield running


class Everything:
    """All that the gateway said to anybody, and all secrets that it was told."""

    def __init__(self, made: Installation) -> None:
        self.made = made
        self.said: list[str] = []
        assert made.admin_key is not None
        self.secrets = {
            "right": RIGHT,
            "wrong": WRONG,
            "echoed": ECHOED,
            "unused": UNUSED,
            "odd": ODD,
            "admin key": made.admin_key,
        }

    def ask(self, method: str, path: str, *, key: str | None = None, **arguments: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {key or self.made.admin_key}", **arguments.pop("headers", {})}
        with httpx2.Client(base_url=self.made.gateway.url, timeout=PATIENCE_S) as http:
            response = http.request(method, path, headers=headers, **arguments)
        self.said.append(f"{response.status_code} {dict(response.headers)} {response.text}")
        return response

    def provider(self, slug: str, secret: str, **more: Any) -> None:
        self.ask(
            "POST",
            "/api/v1/ai/providers",
            json={
                "vendor": "openai",
                "name": slug,
                "slug": slug,
                "api_base_url": self.made.simulator.openai_url,
                "shared_api_key": secret,
                "allow_addresses": ["127.0.0.1/32"],
                **more,
            },
        )

    def call(self, model: str, *, key: str, stream: bool, path: str = "/v1/chat/completions") -> httpx2.Response:
        messages = [{"role": "user", "content": f"{PROMPT} [words:20]"}]
        body = {"model": model, "messages": messages, "stream": stream, "max_tokens": 100}
        return self.ask("POST", path, key=key, json=body)


def set_up(all_of_it: Everything, echoing: str) -> str:
    """Providers with the right key, a wrong one, and one that looks like none. Returns an ordinary caller's key."""
    made = all_of_it.made
    all_of_it.provider("right", RIGHT)
    all_of_it.provider("echoes", ECHOED, api_base_url=echoing)
    all_of_it.provider("echoes-odd", ODD, api_base_url=echoing)
    all_of_it.provider("wrong", WRONG)
    all_of_it.provider("odd", ODD)
    for name, slug, model_id in (
        ("good", "right", "simulator"),
        ("refused", "wrong", "simulator"),
        ("refused-too", "odd", "simulator"),
        *((name, "right", fault) for name, fault in FAULTS.items()),
        *((name, "echoes", name) for name in ECHOES),
        *((f"{name}-odd", "echoes-odd", name) for name in ECHOES),
    ):
        body = {"provider": slug, "name": name, "model_id": model_id, "capabilities": ["chat"]}
        assert all_of_it.ask("POST", "/api/v1/ai/models", json=body).status_code == 201
    made.running.wait_for_model(f"{ECHOES[-1]}-odd")
    key = made.running.create_key("caller")
    all_of_it.secrets["caller's key"] = key
    return key


def use_and_abuse(all_of_it: Everything, key: str) -> None:
    for path in ("/v1/chat/completions", "/v1/messages"):
        for stream in (False, True):
            assert all_of_it.call("good", key=key, stream=stream, path=path).status_code == 200
            for model in ("refused", "refused-too", *FAULTS, *ECHOES, *(f"{name}-odd" for name in ECHOES)):
                all_of_it.call(model, key=key, stream=stream, path=path)
    # The provider did say the key: its words come through without it.
    told = all_of_it.call("echo-json", key=key, stream=False)
    assert (told.status_code, "Incorrect" in told.text) == (401, True), told.text
    # Keys in the wrong places, and wrong keys in the right ones.
    stranger = all_of_it.secrets["stranger's key"] = f"tp-{'Stranger' * 5}"
    all_of_it.call("good", key=stranger, stream=False)
    all_of_it.call("good", key=RIGHT, stream=False)
    all_of_it.ask("GET", "/v1/models", headers={"x-api-key": stranger})
    all_of_it.ask("GET", "/v1/models", key=key, params={"key": key})
    all_of_it.ask("GET", "/api/v1/ledger", key=key, params={"api_key": key})
    all_of_it.ask("GET", "/api/v1/keys", key=stranger)
    all_of_it.ask("POST", "/v1/chat/completions", key=key, content=f'{{"model": "{PROMPT}'.encode())
    # Configuration that is refused, with a secret in it.
    all_of_it.provider("bad address", UNUSED, api_base_url="not an address")
    all_of_it.provider("x" * 500, UNUSED)
    all_of_it.provider("right", UNUSED)
    all_of_it.provider("typo", UNUSED, shared_api_keys=UNUSED)
    all_of_it.ask("POST", "/api/v1/ai/providers", content=f'{{"shared_api_key": "{UNUSED}", '.encode())
    all_of_it.ask("POST", "/api/v1/ai/models", json={"provider": "right", "api_key": UNUSED})


def look_at_everything(all_of_it: Everything) -> None:
    listed = ("ai/providers", "ai/models", "keys", "users", "ledger", "ledger/summary", "ledger/export", "health")
    for path in (*listed, "audit", "audit/export"):
        all_of_it.ask("GET", f"/api/v1/{path}")
    for provider in all_of_it.ask("GET", "/api/v1/ai/providers").json()["data"]:
        for action in ("test", "sync-models"):
            all_of_it.ask("POST", f"/api/v1/ai/providers/{provider['id']}/{action}")
    for path in ("/health", "/metrics", "/health/relay/metrics", "/", "/api/v1/openapi.json"):
        all_of_it.ask("GET", path)
    made = all_of_it.made
    for words in (["providers", "list"], ["keys", "list"], ["models", "list"], ["ledger", "tail"], ["audit", "tail"]):
        all_of_it.said += [made.command(*words), made.command(*words, "--json")]


def processes_of(pid: int) -> Iterator[int]:
    yield pid
    for child in children_of(pid):
        yield from processes_of(child)


def holding(places: dict[str, bytes], words: bytes) -> list[str]:
    return [name for name, content in places.items() if words in content]


def stored(folder: Path) -> dict[str, bytes]:
    """Every file below, journals and the database's write-ahead log included."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_no_secret_is_answered_logged_or_stored_in_clear(
    tmp_path: Path, picky_upstream: RunningSimulator, echoing: str
) -> None:
    env = {"TURNPIKE_LOG_LEVEL": "debug"}
    with installation(tmp_path / "one", picky_upstream, env=env) as made:
        all_of_it = Everything(made)
        key = set_up(all_of_it, echoing)
        use_and_abuse(all_of_it, key)
        look_at_everything(all_of_it)
        lines = [command_line(pid) for pid in processes_of(made.gateway.process.pid)]
        # Everything dies where it stands: what lies on disk then is what a thief finds.
        made.running.api("POST", "/keys", {"name": "last"})
        relay = made.children("relay")[0]
        control = made.children("control")[0]
        drain = wait_for("a drain", lambda: made.children("control.drain") or None)[0]
        os.kill(drain, signal.SIGSTOP)  # what is called now stays in the journal
        os.kill(control, signal.SIGSTOP)
        until(lambda: all_of_it.call("good", key=key, stream=True).status_code == 200, "a call without control")
        for pid in (made.gateway.process.pid, relay, control, drain):
            os.kill(pid, signal.SIGKILL)
        made.gateway.process.wait()

    on_disk = stored(made.folder)
    assert set(on_disk) >= SEALED
    open_to_view = {name: content for name, content in on_disk.items() if name not in SEALED}
    places = {
        **open_to_view,
        **{f"answer {number}: {said}": said.encode() for number, said in enumerate(all_of_it.said)},
        "log": made.log.encode(),
        "command lines": "\n".join(lines).encode(),
        "the upstream's log": (tmp_path / "upstream.log").read_bytes(),
    }
    # The search finds what is there: a key's name in the database, journals and answers that are not empty.
    assert {"turnpike.db"} <= {name.removesuffix("-wal") for name in holding(places, b"caller")}
    assert any(name.startswith("journal/") for name in holding(places, b"good"))
    assert holding(on_disk, made.admin_key.encode() if made.admin_key else b"?") == ["first-key.txt"]
    for name, secret in all_of_it.secrets.items():
        # The ends are shown on purpose, to tell keys apart; new keys are shown once, to who makes them.
        middle = re.sub(r"^.{10}|.{4}$", "", secret).encode()
        assert holding(places, middle) == [], name
    assert (
        holding({name: text for name, text in places.items() if not name.startswith("answer ")}, PROMPT.encode()) == []
    )
