"""Signature Version 4, held against the examples that AWS publishes (its test suite) and against AWS's own SDK."""

import calendar
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from turnpike.errors import InvalidRequest
from turnpike.wire.aws.sigv4 import AwsKeys, Signer, canonical_path, canonical_query, read_keys

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEYS = AwsKeys("AKIDEXAMPLE", SECRET)
NOW_S = calendar.timegm((2015, 8, 30, 12, 36, 0))
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7"
    "mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d"
    "+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
HOST = ("host", "example.amazonaws.com")

PUBLISHED: list[Any] = [
    pytest.param(*row[1:], id=row[0])
    for row in (
        ("get-vanilla", "GET", "/", "", (), b"",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", (), b"",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        ("get-vanilla-empty-query-key", "GET", "/", "Param1=value1", (), b"",
         "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
        ("get-vanilla-utf8-query", "GET", "/", "ሴ=bar", (), b"",
         "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        ("get-utf8", "GET", "/ሴ", "", (), b"",
         "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        ("get-space-normalized", "GET", "/example space/", "", (), b"",
         "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
        ("get-slashes-normalized", "GET", "//example//", "", (), b"",
         "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
        ("get-slash-pointless-dot", "GET", "/./example", "", (), b"",
         "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
        ("get-relative-relative", "GET", "/example1/example2/../..", "", (), b"",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("get-header-key-duplicate", "GET", "/", "",
         (("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")), b"",
         "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"),
        ("get-header-value-trim", "GET", "/", "", (("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')), b"",
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        ("post-vanilla", "POST", "/", "", (), b"",
         "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("post-vanilla-query", "POST", "/", "Param1=value1", (), b"",
         "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
        ("post-header-value-case", "POST", "/", "", (("My-Header1", "VALUE1"),), b"",
         "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"),
        ("post-x-www-form-urlencoded", "POST", "/", "", (("Content-Type", "application/x-www-form-urlencoded"),),
         b"Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    )
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "query", "headers", "body", "signature"), PUBLISHED)
def test_each_published_example_is_signed_as_published(
    method: str, path: str, query: str, headers: tuple[tuple[str, str], ...], body: bytes, signature: str
) -> None:
    signed = Signer(KEYS, "us-east-1", "service").sign(method, path, query, (HOST, *headers), body, NOW_S)
    added = dict(signed)
    assert added["x-amz-date"] == "20150830T123600Z"
    scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    assert added["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=")
    assert added["authorization"].rpartition("Signature=")[2] == signature


def test_a_session_token_is_sent_and_signed() -> None:
    """The suite's post-sts-header-before."""
    keys = AwsKeys("AKIDEXAMPLE", SECRET, TOKEN)
    added = dict(Signer(keys, "us-east-1", "service").sign("POST", "/", "", (HOST,), b"", NOW_S))
    assert added["x-amz-security-token"] == TOKEN
    assert added["authorization"].endswith(
        "SignedHeaders=host;x-amz-date;x-amz-security-token, "
        "Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
    )


def test_what_is_encoded_on_the_wire_is_encoded_once_more() -> None:
    assert canonical_path("/model/anthropic.claude-3%3A0/invoke") == "/model/anthropic.claude-3%253A0/invoke"
    assert canonical_path("/model/arn%3Aaws%2Fx/converse") == "/model/arn%253Aaws%252Fx/converse"
    assert canonical_query("b=2&a=%20&a=1") == "a=%20&a=1&b=2"


@given(
    st.text("abcXYZ019-._~:/@ %é", max_size=30),
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.text("xyz /é", max_size=5), max_size=3),
    st.binary(max_size=40),
    st.integers(1_600_000_000, 1_900_000_000),
)
def test_awss_own_sdk_signs_the_same(model: str, query: dict[str, str], body: bytes, now_s: int) -> None:
    path = f"/model/{quote(model, safe='')}/converse"
    written = urlencode(query, quote_via=quote, safe="")
    url = f"https://bedrock-runtime.eu-west-1.amazonaws.com{path}" + (f"?{written}" if written else "")
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    theirs = SigV4Auth(Credentials("AKIDEXAMPLE", SECRET, "token"), "bedrock", "eu-west-1")
    headers = (("host", "bedrock-runtime.eu-west-1.amazonaws.com"), ("content-type", "application/json"))
    ours = dict(
        Signer(AwsKeys("AKIDEXAMPLE", SECRET, "token"), "eu-west-1", "bedrock").sign(
            "POST", path, written, headers, body, now_s
        )
    )
    request.context["timestamp"] = ours["x-amz-date"]
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    request.headers["X-Amz-Security-Token"] = "token"
    signature = theirs.signature(theirs.string_to_sign(request, theirs.canonical_request(request)), request)
    assert ours["authorization"].rpartition("Signature=")[2] == signature


def test_the_next_day_has_another_key() -> None:
    signer = Signer(KEYS, "us-east-1", "service")
    first = signer.sign("GET", "/", "", (HOST,), b"", NOW_S)
    signer.sign("GET", "/", "", (HOST,), b"", NOW_S + 86_400)
    assert signer.sign("GET", "/", "", (HOST,), b"", NOW_S) == first


@pytest.mark.parametrize("secret", ["AKIA:secret", "{}", '{"access_key_id": "AKIA1"}', '{"access_key_id": ""}'])
def test_what_are_no_keys_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        read_keys(secret)
    assert "AKIA" not in raised.value.message


def test_keys_are_not_shown_whole() -> None:
    assert SECRET not in repr(KEYS)
