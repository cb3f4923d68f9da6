"""The console's cookies, and the guard against requests that another site makes a browser send.

The session's cookie is out of reach of scripts and of other sites; every request that changes something must besides
carry a token that only a page of ours can know, and must not say that it comes from elsewhere.
"""

from hashlib import blake2b
from hmac import compare_digest
from urllib.parse import urlsplit

from fastapi import Request, Response

from turnpike.errors import Forbidden
from turnpike.settings import Settings

CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_secure(settings: Settings) -> bool:
    return settings.tls_certificate is not None or (settings.public_url or "").startswith("https://")


def session_cookie(settings: Settings) -> str:
    """`__Host-`: a browser takes it over TLS only, and from no other host of the domain."""
    return "__Host-turnpike_session" if is_secure(settings) else "turnpike_session"


def csrf_cookie(settings: Settings) -> str:
    return "__Host-turnpike_csrf" if is_secure(settings) else "turnpike_csrf"


def csrf_token(session_id: str, pepper: bytes) -> str:
    """Of one session for its whole life: 32 hexadecimal digits."""
    return blake2b(session_id.encode(), digest_size=16, key=pepper, person=b"tp-csrf").hexdigest()


def set_cookies(response: Response, settings: Settings, cookie: str, csrf: str, life_s: int) -> None:
    shared = {"max_age": life_s, "path": "/", "secure": is_secure(settings)}
    # Lax: a link from elsewhere, an issuer's redirect among them, still finds its person signed in.
    response.set_cookie(session_cookie(settings), cookie, httponly=True, samesite="lax", **shared)
    response.set_cookie(csrf_cookie(settings), csrf, httponly=False, samesite="strict", **shared)


def clear_cookies(response: Response, settings: Settings) -> None:
    for name in (session_cookie(settings), csrf_cookie(settings)):
        response.delete_cookie(name, path="/", secure=is_secure(settings))


def check_csrf(request: Request, settings: Settings, session_id: str, pepper: bytes) -> None:
    """Raises Forbidden for a changing request that may not be this person's wish."""
    if request.method in SAFE_METHODS:
        return
    check_origin(request, settings)
    given = request.headers.get(CSRF_HEADER, "")
    if not compare_digest(given.encode(), csrf_token(session_id, pepper).encode()):
        raise Forbidden(
            f"A request that changes something with a cookie needs the header {CSRF_HEADER}: the value of the cookie "
            f"{csrf_cookie(settings)}.",
            details={"header": CSRF_HEADER},
        )


def check_origin(request: Request, settings: Settings) -> None:
    """Raises Forbidden when the browser says that another site is asking. What is no browser says nothing."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        raise Forbidden("This request was made by another site.", details={"header": "sec-fetch-site"})
    if origin is None:
        return
    own = {request.headers.get("host", "")}
    if settings.web_url is not None:
        own.add(urlsplit(settings.web_url).netloc)
    if urlsplit(origin).netloc not in own:
        raise Forbidden("This request was made by another site.", details={"header": "origin"})
