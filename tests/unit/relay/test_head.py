"""The head of a request, and what is kept on it."""

from types import SimpleNamespace
from typing import Any

import pytest

from turnpike.errors import InvalidRequest
from turnpike.relay.connect import Origin
from turnpike.relay.head import RequestHead

HOST = (b"host", b"gateway.test")


def head_of(
    *pairs: tuple[bytes, bytes], target: bytes = b"/v1/chat/completions", http_1_0: bool = False
) -> RequestHead:
    return RequestHead(b"POST", target, [HOST, *pairs], http_1_0=http_1_0)


class Target(SimpleNamespace):
    __hash__ = object.__hash__  # as the real ones: each is itself


def target_of(name: str) -> Any:
    return Target(
        path=b"/v1/chat/completions", host=name.encode(), same=True, passes_query=True, signer=None, headers=(),
        auth=b"authorization", takes_form=False,
        pool=SimpleNamespace(origin=Origin("http", name, 80)),
    )  # fmt: skip


def test_heads_for_targets_that_are_gone_are_not_kept_for_ever() -> None:
    """A connection lives for days, and every change of the catalog makes new targets."""
    head = head_of()
    for number in range(1000):
        target = target_of(f"host-{number}")
        assert f"host: host-{number}".encode() in head.upstream_head(target)
        assert head.upstream_heads[target] == head.upstream_head(target)
    assert len(head.upstream_heads) <= 16


@pytest.mark.parametrize(
    ("value", "token"),
    [
        (b"Bearer tp-x", b"tp-x"),
        (b"bearer tp-x", b"tp-x"),
        (b"BEARER   tp-x  ", b"tp-x"),
        (b"Bearer", None),
        (b"Bearer ", None),
        (b"Basic tp-x", None),
        (b"tp-x", None),
    ],
)
def test_a_bearer_token_is_read(value: bytes, token: bytes | None) -> None:
    assert head_of((b"authorization", value)).token == token


@pytest.mark.parametrize("value", [b"", b"00-short-b-01", b"zz", b"00-" + b"A" * 32 + b"-" + b"b" * 16 + b"-01"])
def test_what_is_no_trace_parent_names_no_trace(value: bytes) -> None:
    assert head_of((b"traceparent", value)).trace_id is None


def test_faults_are_kept_for_the_answer() -> None:
    assert isinstance(RequestHead(b"POST", b"/v1/x", [], http_1_0=False).fault, InvalidRequest)
    assert RequestHead(b"POST", b"/v1/x", [], http_1_0=True).fault is None
    assert isinstance(head_of(HOST).fault, InvalidRequest)
    assert isinstance(head_of(target=b"/v1//x").fault, InvalidRequest)


def test_a_head_without_its_offer_to_upgrade_is_otherwise_the_same() -> None:
    offered = head_of((b"connection", b"Upgrade"), (b"upgrade", b"h2c"), (b"http2-settings", b"x"), (b"x-note", b"1"))
    written = offered.without_upgrade()
    assert written.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway.test\r\n")
    assert b"x-note: 1\r\n" in written
    assert b"h2c" not in written
    assert b"http2" not in written
    assert head_of(http_1_0=True).without_upgrade().startswith(b"POST /v1/chat/completions HTTP/1.0\r\n")


def test_a_model_with_an_encoded_slash_in_its_name_can_be_asked_for() -> None:
    pairs = [(b"host", b"gateway")]
    assert RequestHead(b"GET", b"/v1/models/org%2Fname", pairs, http_1_0=False).fault is None
    assert RequestHead(b"GET", b"/v1/files/org%2Fname", pairs, http_1_0=False).fault is not None
    assert RequestHead(b"GET", b"/v1/models/../keys", pairs, http_1_0=False).fault is not None
