"""A whole gateway: policies by command and API, OpenAI's and Anthropic's SDKs, decisions in the database."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anthropic
import openai
import pytest

from tests.support.gateway import SIDES, RunningGateway, register_simulator, running_gateway, wait_for
from tests.support.simulator import running_simulator

EMAIL = "bob@example.com"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("guards")
    with running_simulator() as simulator, running_gateway(folder, simulator) as running:
        register_simulator(running)
        yield running


def command(gateway: RunningGateway, *words: str) -> "subprocess.CompletedProcess[str]":
    words = (*words, "--json", "--data-dir", str(gateway.folder))
    return subprocess.run([sys.executable, "-m", "turnpike.cli", *words], capture_output=True, text=True, check=False)


def test_a_policy_from_the_command_to_the_decisions(gateway: RunningGateway, tmp_path: Path) -> None:
    made = command(gateway, "policies", "set", "house", "--pii", "mask", "--term", "bluebird", "--on", "prompt")
    assert made.returncode == 0, made.stderr
    tried = command(gateway, "policies", "test", f"to {EMAIL}")
    assert json.loads(tried.stdout)["goes_on"] == "to [EMAIL]"
    assert command(gateway, "policies", "test", "bluebird").returncode == 1
    model = SIDES["openai_chat"].model
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.admin_key, max_retries=0)

    def masked() -> str | None:
        raw = client.chat.completions.with_raw_response.create(
            model=model, messages=[{"role": "user", "content": f"write to {EMAIL}"}]
        )
        name = raw.headers["x-request-id"]
        return name if EMAIL not in json.dumps(gateway.upstream_call(name)) else None

    name = wait_for("the policy holds", masked)
    assert "[EMAIL]" in json.dumps(gateway.upstream_call(name))
    rows = wait_for("its decision", lambda: gateway.api("GET", "/policies/decisions", request_id=name) or None)
    assert [(row["policy"], row["kind"], row["action"], row["finds"]) for row in rows] == [
        ("house", "email", "mask", 1)
    ]
    assert EMAIL not in json.dumps(rows)
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Bluebird?"}])
    assert "house" in refused.value.message
    claude = anthropic.Anthropic(base_url=gateway.url, api_key=gateway.admin_key, max_retries=0)
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.create(
            model=SIDES["anthropic_messages"].model, max_tokens=10, messages=[{"role": "user", "content": "bluebird"}]
        )
    row = gateway.ledger_row(refused.value.response.headers["x-request-id"])
    assert (row["error_code"], row["outcome"]) == ("POLICY_REFUSED", "refused")
    shown = command(gateway, "policies", "show", "house")
    file = tmp_path / "house.json"
    file.write_text(shown.stdout)
    again = command(gateway, "policies", "set", "house", "--file", str(file), "--disabled")
    assert json.loads(again.stdout)["enabled"] is False
    assert json.loads(command(gateway, "policies", "list").stdout)[0]["name"] == "house"
    assert command(gateway, "policies", "delete", "house").returncode == 0
