"""The real programs under a real supervisor: killed one by one, and all at once."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.support.gateways import Gateway, turnpike_json, wait_until
from turnpike.kit.files import process_lives


def pid_of(gateway: Gateway, child: str) -> int:
    """Of its newest process that was ready."""
    ready = [event for event in gateway.events() if event["event"] == "child ready" and event["child"] == child]
    return ready[-1]["child_pid"]


def answers(gateway: Gateway, key: str) -> str:
    body = {"model": "simulator", "messages": [{"role": "user", "content": "hello"}]}
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(f"{gateway.url}/v1/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["object"]


def test_each_program_may_be_killed_and_is_back(folder: Path):
    with Gateway(folder) as gateway:
        key = gateway.first_key()
        assert answers(gateway, key) == "chat.completion"
        os.kill(pid_of(gateway, "relay-0"), signal.SIGKILL)
        assert answers(gateway, key) == "chat.completion"  # waits in the socket that the supervisor kept
        first_control = pid_of(gateway, "control")
        os.kill(first_control, signal.SIGKILL)
        assert answers(gateway, key) == "chat.completion"  # the relay knows this key
        wait_until(lambda: pid_of(gateway, "control") != first_control, "control is back")
        assert turnpike_json("keys", "list", folder=folder)
        os.kill(pid_of(gateway, "simulator"), signal.SIGKILL)
        wait_until(lambda: _answers_in_the_end(gateway, key), "the simulator is back")
        assert gateway.stop() == 0


def _answers_in_the_end(gateway: Gateway, key: str) -> bool:
    try:
        return answers(gateway, key) == "chat.completion"
    except urllib.error.HTTPError as error:
        error.close()
        return False


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_works(folder: Path):
    with Gateway(folder) as gateway:
        children = [pid_of(gateway, name) for name in ("relay-0", "control", "simulator")]
        gateway.process.kill()
        wait_until(lambda: not any(process_lives(pid) for pid in children), "every child has ended")
    with Gateway(folder) as gateway:
        assert gateway.facts["model"] == "simulator"


def test_a_stop_ends_every_child_in_time(folder: Path):
    with Gateway(folder) as gateway:
        children = [pid_of(gateway, name) for name in ("relay-0", "control", "simulator")]
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 15
        assert not any(process_lives(pid) for pid in children)
        assert not (folder / "run" / "server.json").exists()
