"""`turnpike providers`: asking for what a vendor needs, and changing it, through a running server."""

import json
from pathlib import Path

import pytest

from tests.support.gateways import TURNPIKE, Gateway, bare_environment, turnpike, turnpike_json
from tests.support.terminal import Terminal
from turnpike.wire.vendors import VENDORS

pytestmark = pytest.mark.xdist_group("running gateway")
ACCOUNT = "0" * 32
NOWHERE = ("--base-url", "http://127.0.0.1:9/v1", "--model", "m")


def test_vendors_are_listed_with_what_they_need(tmp_path: Path):
    rows = {row["vendor"]: row for row in turnpike_json("providers", "vendors", folder=tmp_path / "none")}
    assert set(rows) == set(VENDORS)
    assert [each["name"] for each in rows["cloudflare"]["parameters"]] == ["account_id"]
    assert not (tmp_path / "none").exists(), "listing needs no installation"


def test_a_parameter_is_given_and_changed(gateway: Gateway):
    made = turnpike_json(
        "providers", "add", "cloudflare", "--name", "cf", "--set", f"account_id={ACCOUNT}", "--api-key", "-",
        "--model", "m", folder=gateway.folder, stdin="secret-token\n",
    )  # fmt: skip
    assert made["parameters"] == {"account_id": ACCOUNT}
    assert ACCOUNT in made["api_base_url"]
    assert "secret-token" not in json.dumps(made)
    other = "f" * 32
    changed = turnpike_json("providers", "change", "cf", "--set", f"account-id={other}", folder=gateway.folder)
    assert (changed["parameters"], other in changed["api_base_url"]) == ({"account_id": other}, True)


def test_a_parameter_comes_from_the_vendors_variable(gateway: Gateway):
    env = bare_environment(CLOUDFLARE_ACCOUNT_ID=ACCOUNT, CLOUDFLARE_API_TOKEN="secret-token")
    done = turnpike(
        "providers", "add", "cloudflare", "--name", "by variable", "--model", "m", folder=gateway.folder, env=env
    )
    assert done.returncode == 0, done.stderr
    assert "Using the account ID in CLOUDFLARE_ACCOUNT_ID." in done.stderr
    assert "secret-token" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("cloudflare",), "needs its account ID: give it with --set account_id="),
        (("cloudflare", "--set", "account_id=x"), "cannot take this as its account ID"),
        (("cloudflare", "--set", "nothing=x"), "has no parameter 'nothing'; it has account_id"),
        (("cloudflare", "--set", "account_id"), "--set takes NAME=VALUE"),
        (("cloudflare", "--set", "account_id=@/does/not/exist"), "cannot be read"),
        (("openai_compatible", "--operation", "chat=openai_chat", *NOWHERE), "--operation takes"),
        (("openai_compatible", "--quirk", "odd", *NOWHERE), "'odd' is no quirk"),
    ],
)
def test_what_is_missing_or_wrong_is_said(gateway: Gateway, arguments: tuple[str, ...], says: str):
    done = turnpike("providers", "add", *arguments, "--name", "wrong", "--api-key", "k", folder=gateway.folder)
    assert done.returncode == 1
    assert says in done.stderr


def test_a_value_may_be_read_from_a_file(gateway: Gateway, tmp_path: Path):
    (tmp_path / "account").write_text(f"{ACCOUNT}\n")
    made = turnpike_json(
        "providers", "add", "cloudflare", "--name", "by file", "--set", f"account_id=@{tmp_path}/account",
        "--api-key", "k", "--model", "m", folder=gateway.folder,
    )  # fmt: skip
    assert made["parameters"] == {"account_id": ACCOUNT}


def test_a_provider_of_ones_own_is_added_by_options_alone(gateway: Gateway):
    made = turnpike_json(
        "providers", "add", "openai_compatible", "--name", "own", "--base-url", "https://llm.example.com/v2",
        "--auth-header", "api-key", "--auth-prefix", "", "--header", "x-team=blue",
        "--operation", "chat=openai_chat:/llm/{model}/chat", "--models-path", "/list", "--quirk", "max_tokens,no_user",
        "--api-key", "k", "--model", "m", folder=gateway.folder,
    )  # fmt: skip
    assert made["config"] == {
        "auth": {"header": "api-key", "prefix": ""},
        "headers": {"x-team": "blue"},
        "operations": {"chat": [{"dialect": "openai_chat", "path": "/llm/{model}/chat"}]},
        "models_path": "/list",
        "quirks": ["max_tokens", "no_user"],
    }
    changed = turnpike_json("providers", "change", "own", "--models-path", "/models", folder=gateway.folder)
    assert changed["config"] == {**made["config"], "models_path": "/models"}


def test_a_person_is_asked_for_nothing_but_what_is_needed(gateway: Gateway):
    command = [*TURNPIKE, "providers", "add", "cloudflare", "--name", "asked", "--model", "m"]
    terminal = Terminal(
        [*command, "--data-dir", str(gateway.folder)], cwd=gateway.folder.parent, env=bare_environment()
    )
    with terminal:
        terminal.read_until("account ID (such as ")
        terminal.type(ACCOUNT)
        terminal.read_until("API key for Cloudflare Workers AI (not shown): ")
        terminal.type("secret-token")
        terminal.read_until(" with 1 model.")
        assert "secret-token" not in terminal.text
