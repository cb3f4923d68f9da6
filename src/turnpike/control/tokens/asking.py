"""Asking a token endpoint: requests through the gateway's own checked way out, and reading what comes back (RFC 6749).

What an endpoint says of a refusal is shown to administrators, without anything that was sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec

from turnpike.control.outbound import Answer, Outbound
from turnpike.errors import UpstreamRefused
from turnpike.kit.crypto import scrub

_FORM = {"content-type": "application/x-www-form-urlencoded"}
_JSON = {"content-type": "application/json"}
_SHOWN_CHARS = 300
_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True)
class Token:
    value: str = field(repr=False)
    expires_at_s: float


class TokenRefused(UpstreamRefused):
    """No token was given. `final`: asking again cannot help, for the credential itself is wrong."""

    def __init__(self, message: str, *, status: int = 502, final: bool = False) -> None:
        super().__init__(message, status=status)
        self.final = final


@dataclass(frozen=True)
class Asking:
    """How a provider's token endpoint is reached: with the provider's own allowances."""

    outbound: Outbound
    allow_addresses: tuple[str, ...] = ()
    proxy: str | None = None

    async def post(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        answer = await self._send("POST", url, _FORM, urlencode(form).encode())
        return _object(answer, tuple(form.values()))

    async def post_json(self, url: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        answer = await self._send("POST", url, {**_JSON, **headers}, msgspec.json.encode(body))
        return _object(answer, tuple(headers.values()))

    async def get_bytes(self, url: str, headers: Mapping[str, str]) -> bytes:
        answer = await self._send("GET", url, headers, b"")
        if answer.status != 200:
            raise TokenRefused(f"The address of the identity's own token answered {answer.status}.")
        return answer.body

    async def metadata(self, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """The one request that goes to the metadata service of the machine we run on."""
        return _object(await self.outbound.ask_metadata(url, headers), ())

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return await self.outbound.send(
            method, url, headers=headers, body=body, allow_addresses=self.allow_addresses, proxy=self.proxy
        )


def token_in(answer: Mapping[str, Any], now_s: float) -> Token:
    """Raises TokenRefused when there is none."""
    value, life_s = answer.get("access_token"), answer.get("expires_in", 3600)
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise TokenRefused("The token endpoint's answer holds no token.")
    try:
        return Token(value, now_s + float(life_s))
    except (TypeError, ValueError) as error:
        raise TokenRefused("The token endpoint does not say how long its token lives.") from error


def _object(answer: Answer, sent: tuple[str, ...]) -> dict[str, Any]:
    try:
        found = _decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = {}
    if 200 <= answer.status < 300:
        return found
    error = found.get("error_description") or found.get("error")
    if isinstance(error, dict):
        error = error.get("message")  # Google's own services
    said = scrub(error, [each for each in sent if len(each) > 24])[:_SHOWN_CHARS] if isinstance(error, str) else ""
    said = "".join(character if character.isprintable() else " " for character in said)
    wrong = answer.status in (400, 401, 403, 404)
    raise TokenRefused(
        f"The token endpoint answered {answer.status}{': ' if said else ''}{said}", status=answer.status, final=wrong
    )
