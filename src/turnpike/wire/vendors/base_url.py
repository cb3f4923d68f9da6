"""The base URL that a person types, brought to the form that a vendor's paths are appended to."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from turnpike.errors import InvalidRequest
from turnpike.wire.parameters import fill
from turnpike.wire.vendor import Vendor

_ENDINGS = ("/chat/completions", "/completions", "/embeddings", "/messages", "/models", "/responses")
_VERSION = "/v1"
_BESIDE = "/openai"
"""Where an API has OpenAI's form beside its own."""


def normalise_base_url(vendor: Vendor, url: str, parameters: Mapping[str, str] | None = None) -> str:
    """Scheme, host, port and path prefix without a trailing slash; `parameters` fill the vendor's own prefix.

    Lenient where the meaning is plain: an endpoint's own address is cut back to its base, a bare host gets the
    vendor's prefix (`/v1` for a server without one), and `/v1` is taken off for a vendor whose paths carry it. Raises
    InvalidRequest for what is no http or https address, or holds a credential, a query or a fragment.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _wrong("is not an address") from error
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise _wrong("must begin with http:// or https:// and name a host")
    if parts.username or parts.password:
        raise _wrong("must not hold a user name or password: give the credential by itself")
    if parts.query or parts.fragment:
        raise _wrong("must not hold a query or a fragment")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    origin = f"{parts.scheme.lower()}://{host}" + (f":{port}" if port is not None else "")
    path = parts.path.rstrip("/")
    for ending in _ENDINGS:
        path = path.removesuffix(ending).rstrip("/")
    if any(spec.path.startswith(f"{_BESIDE}/") for specs in vendor.operations.values() for spec in specs):
        path = path.removesuffix(_BESIDE)
    return origin + fill(_prefix(vendor, path), parameters or {})


def _prefix(vendor: Vendor, path: str) -> str:
    paths = [spec.path for specs in vendor.operations.values() for spec in specs]
    if any(f"{_VERSION}/" in own for own in paths) or any(_within(own) for own in paths):
        for own in sorted({_within(own) for own in paths} | {_VERSION}, key=len, reverse=True):
            path = path.removesuffix(own).rstrip("/")
        if path or vendor.base_url is None:
            return path
        return urlsplit(vendor.base_url).path
    if path:
        return path
    return _VERSION if vendor.base_url is None else urlsplit(vendor.base_url).path


def _within(path: str) -> str:
    """What a vendor's path has before the endpoint's own: `/paas/v4` of `/paas/v4/chat/completions`."""
    return next((path.removesuffix(ending) for ending in _ENDINGS if path.endswith(ending)), "")


def _wrong(reason: str) -> InvalidRequest:
    return InvalidRequest(f"The base URL {reason}.", details={"param": "base_url"})
