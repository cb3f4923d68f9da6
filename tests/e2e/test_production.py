"""Production mode: weak secrets are refused with the way to mend them, and no simulator ever answers."""

import subprocess
from base64 import urlsafe_b64encode
from pathlib import Path

import httpx2
import pytest
from cryptography.fernet import Fernet

from tests.support.gateways import TURNPIKE, Gateway, bare_environment
from tests.support.installation import PATIENCE_S, children_of, command_line
from turnpike.kit.crypto import random_text

STRONG = {"TURNPIKE_SECRET_KEYS": Fernet.generate_key().decode(), "TURNPIKE_KEY_PEPPER": random_text(384)}
WEAK = {
    "a short pepper": ({"TURNPIKE_KEY_PEPPER": "changeme"}, "make one with: python -c"),
    "a repeated pepper": ({"TURNPIKE_KEY_PEPPER": "ab" * 32}, "make one with: python -c"),
    "a pepper off the keyboard": ({"TURNPIKE_KEY_PEPPER": "abcdefghijklmnopqrstuvwxyz0123456789"}, "make one with"),
    "an encryption key of nought": ({"TURNPIKE_SECRET_KEYS": urlsafe_b64encode(bytes(32)).decode()}, "make one with"),
    "no encryption key": ({"TURNPIKE_SECRET_KEYS": "secret"}, "make one with: python -c"),
}


def refused(folder: Path, **env: str) -> str:
    """What a start says that must not come to be; it leaves nothing running."""
    argv = [*TURNPIKE, "serve", "--port", "0", "--relays", "1", "--data-dir", str(folder / "data")]
    environment = bare_environment(TURNPIKE_MODE="production", **env)
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=PATIENCE_S, env=environment, cwd=folder, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert '"event":"ready"' not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", WEAK)
def test_weak_secrets_are_refused_with_the_way_to_mend_them(tmp_path: Path, name: str) -> None:
    weak, remedy = WEAK[name]
    said = refused(tmp_path, **{**STRONG, **weak})
    assert remedy in said
    assert next(iter(weak)) in said, "it names the setting"
    assert f": {next(iter(weak.values()))}" not in said


def test_a_secrets_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with Gateway(tmp_path / "data", TURNPIKE_MODE="production") as gateway:
        assert gateway.stop() == 0
    file = tmp_path / "data" / "secrets.json"
    file.chmod(0o644)
    assert f"Run: chmod 600 {file}" in refused(tmp_path)
    file.chmod(0o600)
    with Gateway(tmp_path / "data", TURNPIKE_MODE="production") as gateway:
        assert gateway.stop() == 0


def test_the_simulator_is_never_started_not_even_where_it_ran_before(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    def programs(gateway: Gateway) -> list[str]:
        return [command_line(pid) for pid in children_of(gateway.process.pid)]

    with Gateway(folder) as gateway:
        assert gateway.facts["model"] is not None
        assert any("turnpike.simulator" in line for line in programs(gateway))
        key = gateway.first_key()
        assert gateway.stop() == 0
    with Gateway(folder, TURNPIKE_MODE="production", TURNPIKE_SIMULATOR="true") as gateway:
        assert [line for line in programs(gateway) if "turnpike.simulator" in line] == []
        body = {"model": "simulator", "messages": [{"role": "user", "content": "Hello!"}]}
        headers = {"authorization": f"Bearer {key}"}
        address = f"{gateway.url}/v1/chat/completions"
        answer = httpx2.post(address, json=body, headers=headers, timeout=PATIENCE_S)
        assert answer.status_code >= 400
        assert "This is the Turnpike simulator" not in answer.text
