"""What providers' forms have in common whose requests are multipart/form-data (RFC 7578) with nothing but fields, and
whose callers send JSON."""

import hashlib
from collections.abc import Sequence

from turnpike.wire.dialects.common.provider_form import ProviderForm


class FormRequests(ProviderForm):
    """Mixed into such a dialect. Its answers are JSON where that is asked for."""


def write_form(fields: Sequence[tuple[str, str]]) -> bytes:
    """The same fields make the same bytes. Their boundary is made of what they say, so none of them can hold it."""
    digest = hashlib.sha256("\0".join(f"{name}\0{value}" for name, value in fields).encode())
    mark = b"--turnpike-" + digest.hexdigest().encode()
    parts = (
        b'%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (mark, name.encode(), value.encode())
        for name, value in fields
    )
    return b"".join(parts) + mark + b"--\r\n"


def form_type(body: bytes) -> bytes:
    """The content type of what `write_form` wrote."""
    return b"multipart/form-data; boundary=" + body[2 : body.index(b"\r\n")]
