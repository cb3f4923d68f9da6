"""Whose word about a caller's address is believed."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.contract.relay_settings import RelaySettings, TlsFiles
from turnpike.relay.edge import Edge
from turnpike.relay.head import RequestHead

TRUSTED = ("10.0.0.0/8", "2001:db8:ffff::/48")
PROXY, STRANGER = "10.0.0.1", "198.51.100.66"
CALLER = "203.0.113.9"


def edge(**facts: Any) -> Edge:
    plain: dict[str, Any] = {
        "relay": 0, "listen_fd": 0, "public_url": "http://localhost", "contract_socket": "", "forward_socket": "",
        "journal_dir": "", "own_ports": (),
    }  # fmt: skip
    return Edge(RelaySettings(**(plain | facts)))


def address(made: Edge, peer: str, *headers: tuple[str, str]) -> str:
    pairs = [(b"host", b"h"), *((name.encode(), value.encode("latin-1")) for name, value in headers)]
    head = RequestHead(b"GET", b"/v1/models", pairs, http_1_0=False)
    connection: Any = SimpleNamespace(client=peer)
    return made.client_address(connection, head)


X_FORWARDED_FOR = edge(trusted_proxies=TRUSTED)
FORWARDED = edge(trusted_proxies=TRUSTED, forwarded_header="forwarded")


@pytest.mark.parametrize(
    ("said", "believed"),
    [
        (CALLER, CALLER),
        (f"{STRANGER}, {CALLER}", CALLER),
        (f"{CALLER}, 10.9.9.9", CALLER),
        (f"{CALLER}, 2001:db8:ffff::7, 10.9.9.9", CALLER),
        (f"{CALLER}:4711", CALLER),
        (f"::ffff:{CALLER}", CALLER),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", PROXY),
        ("unknown", PROXY),
        (f"{CALLER}, ", PROXY),
        (f"{CALLER}, 999.1.1.1", PROXY),
        (f"{CALLER}; DROP, 10.9.9.9", "10.9.9.9"),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
    ],
)
def test_the_first_that_no_trusted_proxy_is_counts(said: str, believed: str) -> None:
    assert address(X_FORWARDED_FOR, PROXY, ("x-forwarded-for", said)) == believed


@pytest.mark.parametrize(
    ("said", "believed"),
    [
        (f"for={CALLER}", CALLER),
        (f"For={CALLER};proto=https;by=10.0.0.1", CALLER),
        (f"proto=https; for={CALLER}", CALLER),
        (f"for={STRANGER}, for={CALLER}", CALLER),
        (f'for="{CALLER}:4711"', CALLER),
        ('for="[2001:db8::1]:4711"', "2001:db8::1"),
        ('for="[2001:db8::1]"', "2001:db8::1"),
        (f"for={CALLER}, for=10.9.9.9", CALLER),
        ("for=unknown", PROXY),
        ("for=_hidden", PROXY),
        (f"for={CALLER}, by=10.9.9.9", PROXY),
        (f'for="evil, for={CALLER}', CALLER),
        (f'for={STRANGER}\\", for={CALLER}', CALLER),
        ("nonsense", PROXY),
    ],
)
def test_the_standard_header_says_the_same(said: str, believed: str) -> None:
    assert address(FORWARDED, PROXY, ("forwarded", said)) == believed


@pytest.mark.parametrize("made", [X_FORWARDED_FOR, FORWARDED])
def test_a_stranger_is_not_believed(made: Edge) -> None:
    headers = (("x-forwarded-for", CALLER), ("forwarded", f"for={CALLER}"), ("x-real-ip", CALLER))
    assert address(made, STRANGER, *headers) == STRANGER


def test_only_the_header_that_the_proxies_write_is_read() -> None:
    """A proxy that writes one of them passes on the other as its caller made it up."""
    both = (("x-forwarded-for", CALLER), ("forwarded", f"for={STRANGER}"))
    assert address(X_FORWARDED_FOR, PROXY, *both) == CALLER
    assert address(FORWARDED, PROXY, *both) == STRANGER
    assert address(FORWARDED, PROXY, both[0]) == PROXY
    assert address(X_FORWARDED_FOR, PROXY, both[1]) == PROXY


def test_lines_of_the_same_header_are_one_list() -> None:
    assert address(X_FORWARDED_FOR, PROXY, ("x-forwarded-for", CALLER), ("x-forwarded-for", "10.9.9.9")) == CALLER
    assert address(FORWARDED, PROXY, ("forwarded", f"for={CALLER}"), ("forwarded", "for=10.9.9.9")) == CALLER


def test_without_trusted_proxies_nobody_is_believed() -> None:
    for header in ("x-forwarded-for", "forwarded"):
        made = edge(forwarded_header=header)
        assert address(made, PROXY, ("x-forwarded-for", CALLER), ("forwarded", f"for={CALLER}")) == PROXY


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_whatever_a_caller_writes_what_the_proxy_added_counts(garbage: str) -> None:
    assert address(X_FORWARDED_FOR, PROXY, ("x-forwarded-for", f"{garbage}, {CALLER}")) == CALLER
    assert address(FORWARDED, PROXY, ("forwarded", f"{garbage}, for={CALLER}")) == CALLER


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"public_url": "https://gateway.example.com"}, True),
        ({"public_url": "http://gateway.example.com"}, False),
        ({"public_url": "http://gateway.example.com", "tls": TlsFiles("certificate", "key")}, True),
        ({"public_url": "https://gateway.example.com", "hsts_max_age_s": 0}, False),
    ],
)
def test_transport_security_is_said_where_the_public_address_is_https(facts: dict[str, Any], said: bool) -> None:
    assert (b"strict-transport-security: max-age=31536000\r\n" in edge(**facts).standing) is said
