"""Addresses as sockets and headers write them, and who may come in."""

import pytest

from turnpike.kit.networks import Networks, address_in, network_in, plain_address
from turnpike.kit.origins import Origins, origin_rule


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:8080 ", "192.0.2.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ('"[2001:db8::1]"', "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:c000:201]:9", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_is_one_however_it_is_written(text: str, plain: str) -> None:
    assert str(address_in(text)) == plain


@pytest.mark.parametrize("text", ["", "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "x:1", "[", "10.0.0.0/8", "١.١.١.١"])
def test_junk_is_no_address(text: str) -> None:
    assert address_in(text) is None
    assert plain_address("") == ""


def test_denied_wins_and_mapped_networks_are_plain() -> None:
    networks = Networks.of(["10.0.0.0/8", "2001:db8::/32"], ["::ffff:10.1.0.0/112"])
    texts = ("10.2.0.1", "10.1.2.3", "::ffff:10.1.2.3", "2001:db8::5", "192.0.2.1")
    seen = {text: networks.allow(found) for text in texts if (found := address_in(text)) is not None}
    assert seen == {
        "10.2.0.1": True, "10.1.2.3": False, "::ffff:10.1.2.3": False, "2001:db8::5": True, "192.0.2.1": False,
    }  # fmt: skip
    assert str(network_in("203.0.113.7")) == "203.0.113.7/32"
    assert not Networks()
    assert Networks.of([], ["10.0.0.0/8"]).allow(network_in("192.0.2.1").network_address)


def test_origins_are_exact_or_below_a_wildcard_and_never_beside_it() -> None:
    origins = Origins(
        map(origin_rule, ("https://App.example.com:443", "https://*.example.org", "http://localhost:3000"))
    )
    assert origins.has("https://app.example.com")
    assert origins.has("https://a.b.example.org")
    assert origins.has("http://localhost:3000")
    for other in (
        "http://app.example.com", "https://example.org", "https://evilexample.org", "https://x.example.org.evil.com",
        "https://evil.com/.example.org", "http://localhost:3001", "null", "https://a@x.example.org", "",
    ):  # fmt: skip
        assert not origins.has(other), other


@pytest.mark.parametrize(
    "text", ["example.com", "https://", "https://a/b", "ftp://x", "https://*", "https://a.*.com", "null"]
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no origin"):
        origin_rule(text)
