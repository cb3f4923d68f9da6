"""AWS Signature Version 4: the headers that prove who sends a request.

Pure: the caller gives the time. Source: "AWS Signature Version 4 for API requests" in the IAM User Guide and the
examples of its test suite; the rules are those of every service but S3: each segment of the path is encoded once more
than it is on the wire, and the body's digest is signed without being sent.
"""

import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes

import msgspec

from turnpike.errors import InvalidRequest

ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"


class AwsKeys(msgspec.Struct, frozen=True, gc=False):
    """A credential of AWS: long-lived keys, or temporary ones with their session token."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return f"AwsKeys({self.access_key_id[:4]}…)"


class _Stored(msgspec.Struct, frozen=True):
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


_read = msgspec.json.Decoder(_Stored).decode


def read_keys(secret: str) -> AwsKeys:
    """The keys in a stored credential. Raises InvalidRequest, which names what is missing and shows nothing of it."""
    try:
        stored = _read(secret)
    except msgspec.DecodeError as error:
        raise InvalidRequest(
            "An AWS credential is a JSON object with `access_key_id`, `secret_access_key` and, for temporary keys,"
            " `session_token`.",
            details={"param": "api_key"},
        ) from error
    keys = AwsKeys(stored.access_key_id.strip(), stored.secret_access_key.strip(), stored.session_token or None)
    if not keys.access_key_id or not keys.secret_access_key:
        raise InvalidRequest("`access_key_id` and `secret_access_key` must not be empty.", details={"param": "api_key"})
    return keys


class Signer:
    """Signs requests to one service in one region. The signing key is derived once a day."""

    __slots__ = ("_day", "_key", "_keys", "_region", "_service")

    def __init__(self, keys: AwsKeys, region: str, service: str) -> None:
        self._keys = keys
        self._region = region
        self._service = service
        self._day = ""
        self._key = b""

    def sign(  # noqa: PLR0917 - the parts of a request, in its own order
        self,
        method: str,
        path: str,
        query: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        now_s: float,
    ) -> list[tuple[str, str]]:
        """The headers to add: `x-amz-date`, `x-amz-security-token` where there is one, `authorization`.

        `path` and `query` are as on the wire, percent-encoded; `headers` are those to be signed beside these, with
        `host` among them; names in any case.
        """
        stamp = datetime.fromtimestamp(now_s, UTC).strftime("%Y%m%dT%H%M%SZ")
        added = [("x-amz-date", stamp)]
        token = self._keys.session_token
        if token is not None:
            added.append(("x-amz-security-token", token))
        canonical, names = canonical_request(method, path, query, [*headers, *added], sha256(body).hexdigest())
        scope = f"{stamp[:8]}/{self._region}/{self._service}/aws4_request"
        to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self._signing_key(stamp[:8]), to_sign.encode(), sha256).hexdigest()
        credential = f"{self._keys.access_key_id}/{scope}"
        value = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        return [*added, ("authorization", value)]

    def _signing_key(self, day: str) -> bytes:
        if day != self._day:
            key = b"AWS4" + self._keys.secret_access_key.encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.new(key, part.encode(), sha256).digest()
            self._day, self._key = day, key
        return self._key


def canonical_request(
    method: str, path: str, query: str, headers: Iterable[tuple[str, str]], body_sha256: str
) -> tuple[str, str]:
    """The canonical request and the list of signed headers."""
    lines: dict[str, list[str]] = {}
    for name, value in headers:
        lines.setdefault(name.lower().strip(), []).append(" ".join(value.split()))
    names = sorted(lines)
    written = "".join(f"{name}:{','.join(lines[name])}\n" for name in names)
    signed = ";".join(names)
    return f"{method}\n{canonical_path(path)}\n{canonical_query(query)}\n{written}\n{signed}\n{body_sha256}", signed


def canonical_path(path: str) -> str:
    """The path as on the wire, without dot and empty segments, encoded once more: `%3A` becomes `%253A`."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if segments:
                segments.pop()
        elif segment not in ("", "."):
            segments.append(quote(segment, safe=_UNRESERVED))
    normal = "/" + "/".join(segments)
    return normal + "/" if path.endswith(("/", "/.", "/..")) and segments else normal


def canonical_query(query: str) -> str:
    """Names and values encoded by the same rule, in the order of their bytes."""
    pairs: list[tuple[str, str]] = []
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        pairs.append((_again(name), _again(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _again(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", "%20")), safe=_UNRESERVED)
