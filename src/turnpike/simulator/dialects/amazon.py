"""Amazon's API around Bedrock's operations: who signs, errors, events.

A request is checked as Amazon checks it: its signature is computed anew from what arrived. Source: "AWS Signature
Version 4 for API requests" in the IAM User Guide.
"""

import hmac
import re
import time
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import msgspec

from turnpike.kit.eventstream import encode_message
from turnpike.simulator.exchange import Answer, Call, Headers, Refused, json_answer

ACCESS_KEY_ID = "AKIASIMULATOR"
TEMPORARY_KEY_ID = "ASIASIMULATOR"
SECRET_ACCESS_KEY = "simulator-secret-access-key"  # noqa: S105 - published
SESSION_TOKEN = "simulator-session-token"  # noqa: S105 - published
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)
_CLOCK_S = 300
_TYPES = {400: "ValidationException", 403: "AccessDeniedException", 404: "ResourceNotFoundException",
          408: "ModelTimeoutException", 424: "ModelErrorException", 429: "ThrottlingException",
          500: "InternalServerException", 503: "ServiceUnavailableException"}  # fmt: skip


def _type(refused: Refused) -> str:
    usual = "ValidationException" if refused.status < 500 else "InternalServerException"
    return refused.kind or _TYPES.get(refused.status, usual)


class Amazon:
    def is_authorized(self, headers: dict[str, str], api_key: str) -> bool:
        """Signatures are checked with the whole request at hand (`authorize`); a Bedrock API key here."""
        given = headers.get("authorization", "")
        return given.startswith("AWS4-") or given == f"Bearer {api_key}"

    def unauthorized(self) -> Refused:
        return Refused("Authentication failed: Please make sure your API Key is valid.", status=403)

    def not_json(self) -> Refused:
        return Refused("Malformed input request, please reformat your input and try again.")

    def headers(self, call_number: int) -> Headers:
        return [(b"x-amzn-requestid", b"00000000-0000-4000-8000-%012d" % call_number)]

    def error(self, refused: Refused, call_number: int) -> Answer:
        headers = [*self.headers(call_number), (b"x-amzn-errortype", f"{_type(refused)}:http://internal/".encode())]
        return json_answer({"message": refused.message}, headers, refused.status)

    def error_event(self, refused: Refused, call_number: int) -> bytes:
        kind = _type(refused)
        headers = {
            ":exception-type": kind[0].lower() + kind[1:],
            ":content-type": "application/json",
            ":message-type": "exception",
        }
        return encode_message(headers, msgspec.json.encode({"message": refused.message}))


AMAZON = Amazon()


def vendor(_headers: dict[str, str]) -> Amazon:
    return AMAZON


def event(kind: str, payload: dict[str, Any]) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode_message(headers, msgspec.json.encode(payload))


def events_answer(events: list[bytes], headers: Headers) -> Answer:
    kind = (b"content-type", b"application/vnd.amazon.eventstream")
    return Answer(200, [kind, *headers], events=events)


# ---- signatures


def authorize(call: Call, service: str = "bedrock") -> None:
    """Raises Refused unless the request is signed with one of the published keys, or carries an API key (which was
    checked before)."""
    given = call.headers.get("authorization", "")
    if given.startswith("Bearer "):
        return
    match = _AUTHORIZATION.fullmatch(given)
    if match is None:
        raise Refused("Missing Authentication Token", status=403, kind="MissingAuthenticationTokenException")
    key_id, day, region, signed_service, names, signature = match.groups()
    stamp = call.headers.get("x-amz-date", "")
    if key_id not in (ACCESS_KEY_ID, TEMPORARY_KEY_ID):
        raise Refused(
            "The security token included in the request is invalid.", status=403, kind="UnrecognizedClientException"
        )
    if key_id == TEMPORARY_KEY_ID and call.headers.get("x-amz-security-token") != SESSION_TOKEN:
        raise Refused(
            "The security token included in the request is invalid.", status=403, kind="UnrecognizedClientException"
        )
    if signed_service != service or not stamp.startswith(day) or _is_far(stamp):
        raise _mismatch("Credential should be scoped to the right service, region and day")
    _check_names(call, names.split(";"))
    expected = _signature(call, names.split(";"), stamp, f"{day}/{region}/{service}/aws4_request")
    if not hmac.compare_digest(expected, signature):
        raise _mismatch("The request signature we calculated does not match the signature you provided.")


def _mismatch(message: str) -> Refused:
    return Refused(message, status=403, kind="InvalidSignatureException")


def _is_far(stamp: str) -> bool:
    try:
        then = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return True
    return abs(then.timestamp() - time.time()) > _CLOCK_S


def _check_names(call: Call, names: list[str]) -> None:
    unsigned = [name for name in call.headers if name.startswith("x-amz-") and name not in names]
    if "host" not in names or unsigned:
        raise _mismatch(f"'Host' and every 'X-Amz-' header must be signed: {', '.join(unsigned)}")


def _signature(call: Call, names: list[str], stamp: str, scope: str) -> str:
    path = "/".join(quote(part, safe="-_.~") for part in call.raw_path.split("/"))
    pairs = sorted(part.partition("=")[::2] for part in call.query.split("&") if part)
    query = "&".join(f"{name}={value}" for name, value in pairs)
    headers = "".join(f"{name}:{' '.join(call.headers.get(name, '').split())}\n" for name in names)
    digest = sha256(call.body).hexdigest()
    canonical = f"{call.method}\n{path}\n{query}\n{headers}\n{';'.join(names)}\n{digest}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + SECRET_ACCESS_KEY).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), sha256).digest()
    return hmac.new(key, text.encode(), sha256).hexdigest()
