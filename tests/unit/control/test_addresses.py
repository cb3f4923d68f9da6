"""What may be written down as a provider's address."""

from pathlib import Path

import pytest

from tests.support.databases import test_settings
from turnpike.control.domains.catalog.addresses import check_base_url, check_proxy
from turnpike.errors import AddressForbidden, InvalidRequest
from turnpike.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return test_settings(tmp_path)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("https://api.example.com/v1/", "https://api.example.com/v1"),
        (" HTTPS://API.Example.com:443 ", "https://api.example.com"),
        ("https://api.example.com:8443/a/b", "https://api.example.com:8443/a/b"),
        ("https://[2606:4700::1]:9/v1", "https://[2606:4700::1]:9/v1"),
        ("https://8.8.8.8", "https://8.8.8.8"),
    ],
)
def test_addresses_are_stored_in_one_form(settings: Settings, typed: str, stored: str) -> None:
    assert check_base_url(typed, [], settings) == stored


@pytest.mark.parametrize(
    "typed",
    ["", "api.example.com", "file:///etc/passwd", "gopher://x", "https://", "https://x:0", "https://x:99999",
     "https://u@x", "https://x?y", "https://x#y", "https://x\\y", "https://x y", "https://ex\u00e4mple.com",
     "https://2130706433", "https://0x7f.1", "https://127.1", "https://017700000001", "https://[::1", "https://x\r\ny"],
)  # fmt: skip
def test_what_is_no_address_is_refused(settings: Settings, typed: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_base_url(typed, [], settings)
    assert refused.value.details == {"param": "api_base_url"}


@pytest.mark.parametrize(
    "typed",
    ["https://127.0.0.1", "https://[::1]", "https://localhost", "https://a.localhost", "https://10.1.2.3", "https://192.168.0.1",
     "https://172.16.0.1", "https://100.64.0.1", "https://169.254.169.254", "https://[fd00::1]", "https://[fe80::1]",
     "https://[::ffff:127.0.0.1]", "https://[64:ff9b::7f00:1]", "https://[2002:7f00:1::]", "https://0.0.0.0", "https://224.0.0.1"],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(settings: Settings, typed: str) -> None:
    with pytest.raises(AddressForbidden):
        check_base_url(typed, [], settings)


def test_a_named_network_is_allowed_and_metadata_never_is(settings: Settings) -> None:
    assert check_base_url("https://10.1.2.3/v1", ["10.0.0.0/8"], settings) == "https://10.1.2.3/v1"
    for typed in ("https://169.254.169.254", "https://[fd00:ec2::254]", "https://[::ffff:169.254.169.254]"):
        with pytest.raises(AddressForbidden, match="metadata"):
            check_base_url(typed, ["0.0.0.0/0", "::/0"], settings)


def test_plain_http_is_for_this_machine_unless_a_setting_says_more(settings: Settings) -> None:
    assert check_base_url("http://127.0.0.1:9", ["127.0.0.1"], settings) == "http://127.0.0.1:9"
    with pytest.raises(AddressForbidden, match="TURNPIKE_ALLOW_INSECURE_HTTP_CALLBACKS"):
        check_base_url("http://10.0.0.5:8000", ["10.0.0.0/8"], settings)
    trusting = settings.model_copy(update={"allow_insecure_http_callbacks": True})
    assert check_base_url("http://10.0.0.5:8000", ["10.0.0.0/8"], trusting) == "http://10.0.0.5:8000"


def test_our_own_port_is_refused(settings: Settings) -> None:
    for typed in ("http://127.0.0.1:8080", "http://localhost:8080/v1"):
        with pytest.raises(AddressForbidden, match="own"):
            check_base_url(typed, ["127.0.0.0/8"], settings)


def test_a_proxy_has_no_path_and_no_password() -> None:
    assert check_proxy("http://Proxy:3128/") == "http://proxy:3128"
    for typed in ("http://u:p@proxy:3128", "http://proxy/path", "socks5://proxy"):
        with pytest.raises(InvalidRequest):
            check_proxy(typed)
