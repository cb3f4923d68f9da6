"""Tokens that nobody should believe, made by hand: the libraries refuse to make them."""

import base64
import hmac
import json
from hashlib import sha256
from typing import Any


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def unsigned(claims: dict[str, Any], **header: Any) -> str:
    return f"{_part(json.dumps({**header, 'alg': 'none'}).encode())}.{_part(json.dumps(claims).encode())}."


def hs256(claims: dict[str, Any], secret: bytes, **header: Any) -> str:
    """With a key that everybody knows, such as the public one."""
    signed = f"{_part(json.dumps({**header, 'alg': 'HS256'}).encode())}.{_part(json.dumps(claims).encode())}"
    return f"{signed}.{_part(hmac.new(secret, signed.encode(), sha256).digest())}"
