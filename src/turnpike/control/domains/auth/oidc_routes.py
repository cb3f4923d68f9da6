"""/api/v1/auth/login/{issuer} and what comes back from there. A browser is led through these; they answer with
redirects, and with the envelope where something is wrong."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from turnpike.control.domains.auth import oidc
from turnpike.control.domains.auth.routes import signed_in, visitor_of
from turnpike.control.oidc.flow import FLOW_LIFE_S
from turnpike.control.oidc.jose import MAX_TOKEN_CHARACTERS
from turnpike.control.web.cookies import is_secure
from turnpike.control.web.fields import SLUG
from turnpike.control.web.principal import Public, Services
from turnpike.errors import InvalidRequest, Unauthenticated

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])
_public = [Depends(Public())]
Slug = Annotated[str, Path(pattern=SLUG, description="The issuer's slug.")]
_REDIRECT: dict[int | str, dict[str, Any]] = {
    302: {"description": "To the issuer, or back to the page that was asked for."}
}


def _flow_cookie(state: str) -> str:
    """One for each sign-in under way: two tabs do not disturb each other."""
    return f"turnpike_signin_{''.join(each for each in state if each.isalnum())[:12]}"


@router.get(
    "/login/{slug}", dependencies=_public, response_class=RedirectResponse, status_code=302, responses=_REDIRECT
)
async def begin(
    control: Services,
    slug: Slug,
    return_to: Annotated[str, Query(description="Where the browser goes afterwards: a path here.")] = "/",
) -> Response:
    """Sends a browser to an issuer to sign in."""
    trusted = await oidc.trusted_named(control, slug)
    address, state, sealed = await oidc.begin(control, trusted, oidc.check_return(return_to))
    response = RedirectResponse(address, 302, {"cache-control": "no-store"})
    # Lax: the issuer's redirect back is a navigation from another site, and must bring it along.
    response.set_cookie(
        _flow_cookie(state),
        sealed,
        max_age=FLOW_LIFE_S,
        path=oidc.CALLBACK,
        secure=is_secure(control.settings),
        httponly=True,
        samesite="lax",
    )
    return response


@router.get(
    "/callback/{slug}", dependencies=_public, response_class=RedirectResponse, status_code=302, responses=_REDIRECT
)
async def callback(request: Request, control: Services, slug: Slug) -> Response:
    """Where issuers send browsers back to: the address to register there is `{TURNPIKE_PUBLIC_URL}` and this path."""
    trusted = await oidc.trusted_named(control, slug)
    answer = dict(request.query_params.multi_items())
    if len(answer) != len(request.query_params.multi_items()):
        raise InvalidRequest("A parameter of the issuer's answer is there twice.")
    cookie = _flow_cookie(answer.get("state", ""))
    opened, return_to = await oidc.finish(control, trusted, request.cookies.get(cookie), answer, visitor_of(request))
    response = RedirectResponse(return_to, 302)
    signed_in(opened, response, control)
    response.delete_cookie(cookie, path=oidc.CALLBACK)
    return response


@router.post("/backchannel-logout/{slug}", dependencies=_public)
async def back_channel_logout(
    control: Services,
    slug: Slug,
    logout_token: Annotated[str, Form(min_length=1, max_length=MAX_TOKEN_CHARACTERS)],
) -> Response:
    """For issuers: ends the sessions of who signed out there (OpenID Connect Back-Channel Logout 1.0)."""
    trusted = await oidc.trusted_named(control, slug)
    try:
        await oidc.back_channel_logout(control, trusted, logout_token)
    except Unauthenticated as error:
        raise InvalidRequest(error.message, details={"param": "logout_token"}) from error
    return Response(status_code=200, headers={"cache-control": "no-store"})
