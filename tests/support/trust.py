"""The machine's certificates are read once for a run of tests, not once for every client that is made.

Each client of HTTPX reads them all, which costs more than the call that it is made for; tests make thousands, nearly
all to call this machine without TLS. What is named in the environment is read anew where it changes, and a client that
is given certificates of its own is left alone.
"""

import os
import ssl
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
import httpx2

_NAMED_IN = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_CREATE = "create_ssl_context"


def read_certificates_once() -> None:
    """For both of HTTPX's packages, from now on."""
    for transport in (httpx.HTTPTransport, httpx2.HTTPTransport):
        names = transport.__init__.__globals__
        names[_CREATE] = _reading_once(names[_CREATE])


def machines_certificates() -> ssl.SSLContext:
    """For a client that is handed them."""
    return httpx2.HTTPTransport.__init__.__globals__[_CREATE]()


def _reading_once(create: Callable[..., ssl.SSLContext]) -> Callable[..., ssl.SSLContext]:
    @cache
    def shared(*_named: str | None, trust_env: bool) -> ssl.SSLContext:
        return create(verify=True, trust_env=trust_env)

    def create_ssl_context(*, verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is True and cert is None:
            return shared(*(os.environ.get(name) for name in _NAMED_IN), trust_env=trust_env)
        return create(verify=verify, cert=cert, trust_env=trust_env)

    return create_ssl_context
