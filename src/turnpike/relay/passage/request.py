"""The head of what goes to the provider, and further questions to it."""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.relay.answer import AnswerHead
from turnpike.relay.connect import absolute_target
from turnpike.relay.passage.fetch import Fetch
from turnpike.relay.redact import redact_refusal

if TYPE_CHECKING:
    from turnpike.relay.passage.call import PassageCall

_NOT_PASSED = (
    b"openai-organization", b"openai-project", b"anthropic-workspace-id", b"anthropic-organization-id",
    b"x-method-override", b"content-md5", b"digest", b"origin", b"referer", b"if-match",
)  # fmt: skip
"""They would choose another account at the vendor, or say of the body what is not true any more."""
_NOT_PASSED_BEGIN = (b"x-http-method", b"x-goog-", b"sec-")
_GOOGLE_UPLOAD = b"x-goog-upload-"
_CREDENTIALS = frozenset(("key", "api_key", "api-key", "apikey", "access_token", "oauth_token", "token", "$.xgafv"))
_SAFE = ":@=+,~"


def clean_query(query: str) -> str:
    """Without what might be a credential."""
    pairs = [pair for pair in query.split("&") if pair and pair.partition("=")[0].lower() not in _CREDENTIALS]
    return "&".join(pairs)


def request_head(call: "PassageCall", query: str, body_bytes: int) -> bytes:
    way, asked = call.way, call.asked
    segments = "/".join(quote(segment, safe=_SAFE) for segment in asked.segments)
    path = way.path(segments, is_upload=asked.is_upload)
    cleaned = clean_query(query)
    target = path + (f"?{cleaned}" if cleaned else "")
    # The parser of answers cannot be told that none follows to HEAD: it is asked as GET and cut off.
    method = b"GET" if asked.method == b"HEAD" else asked.method
    origin = call.relay.pools.of(way.provider).origin
    lines = [method + b" " + absolute_target(origin) + target.encode("latin-1") + b" HTTP/1.1", b"host: " + way.host]
    lines += [name + b": " + value for name, value in _headers(call)]
    lines += [b"accept-encoding: identity", b"x-request-id: " + call.request_id.encode()]
    if body_bytes or method not in (b"GET", b"DELETE"):
        lines.append(b"content-length: %d" % body_bytes)
        if call.body.content_type is not None and body_bytes:
            lines.append(b"content-type: " + call.body.content_type)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _headers(call: "PassageCall") -> list[tuple[bytes, bytes]]:
    """The caller's, cleaned, then ours, of which none stands there twice."""
    provider, credential = call.way.provider, call.way.credential
    own = {name.lower().encode(): value.encode() for name, value in provider.headers.items()}
    spec = (credential.auth if credential is not None else None) or provider.auth
    auth = spec.header.lower().encode()
    passed = [
        (name, value)
        for name, value in call.head.passed_on()
        if name not in _NOT_PASSED
        and name != auth
        and (name.startswith(_GOOGLE_UPLOAD) or not name.startswith(_NOT_PASSED_BEGIN))
    ]
    names = {name for name, _ in passed}
    passed += [(name, value) for name, value in own.items() if name not in names and name != auth]
    if credential is not None and auth:
        passed.append((auth, (spec.prefix + credential.secret).encode()))
    return passed


async def read_json(call: "PassageCall", fetch: Fetch, head: AnswerHead) -> Any:
    """A whole answer of the provider's. Raises UpstreamRefused or UpstreamGarbage."""
    body = await fetch.whole(call.relay.settings.response_limit_bytes)
    if head.status != 200:
        error = call.dialect.read_error(head.status, body)
        redact_refusal(error, call.hidden)
        raise error
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamGarbage("The provider's list is not JSON.") from error
