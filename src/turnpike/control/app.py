"""The composition root of control's HTTP: routers, errors, the edge, the page at `/`."""

from collections.abc import Iterable

from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import HTMLResponse

from turnpike import __version__
from turnpike.control.domains.admin.metrics_routes import router as metrics
from turnpike.control.domains.admin.routes import router as admin
from turnpike.control.domains.admin.system import router as system
from turnpike.control.domains.alerts.routes import router as alerts
from turnpike.control.domains.audit.routes import router as audit
from turnpike.control.domains.auth.issuer_routes import router as issuers
from turnpike.control.domains.auth.local import LINK_PAGE
from turnpike.control.domains.auth.oidc_routes import router as oidc
from turnpike.control.domains.auth.routes import router as auth
from turnpike.control.domains.auth.routes import well_known
from turnpike.control.domains.auth.session_routes import router as sessions
from turnpike.control.domains.budgets.routes import router as budgets
from turnpike.control.domains.caching.routes import router as caching
from turnpike.control.domains.catalog.alias_routes import router as aliases
from turnpike.control.domains.catalog.credential_routes import router as credentials
from turnpike.control.domains.catalog.health_routes import router as provider_health
from turnpike.control.domains.catalog.model_routes import router as models
from turnpike.control.domains.catalog.own_routes import router as own_settings
from turnpike.control.domains.catalog.provider_routes import router as providers
from turnpike.control.domains.catalog.resilience import router as resilience
from turnpike.control.domains.departments.routes import router as departments
from turnpike.control.domains.events.routes import router as events
from turnpike.control.domains.flags.routes import router as flags
from turnpike.control.domains.identity.routes import router as identity
from turnpike.control.domains.invitations.routes import router as invitations
from turnpike.control.domains.keys.routes import router as keys
from turnpike.control.domains.ledger.routes import router as ledger
from turnpike.control.domains.limits.routes import router as limits
from turnpike.control.domains.limits.routes import tier_router as tiers
from turnpike.control.domains.policies.routes import router as policies
from turnpike.control.domains.privacy.routes import router as privacy
from turnpike.control.domains.roles.routes import router as roles
from turnpike.control.domains.routes.residency_routes import router as residency
from turnpike.control.domains.routes.routes import router as routes
from turnpike.control.domains.scim.admin_routes import router as scim_admin
from turnpike.control.domains.scim.provision import router as scim
from turnpike.control.domains.security.routes import router as security
from turnpike.control.domains.settings.routes import maintenance_router as maintenance
from turnpike.control.domains.settings.routes import router as gateway_settings
from turnpike.control.domains.webhooks.routes import router as webhooks
from turnpike.control.services import ControlServices
from turnpike.control.web import document, idempotency, swagger, welcome
from turnpike.control.web.audit import AuditTrail
from turnpike.control.web.conditions import Conditional, Tagged
from turnpike.control.web.edge import Edge
from turnpike.control.web.errors import install
from turnpike.control.web.landing import PAGE
from turnpike.control.web.principal import Public

ROUTERS: tuple[APIRouter, ...] = (
    identity, departments, invitations, keys, limits, tiers, budgets, providers, provider_health, credentials, models,
    aliases, routes, residency, policies, ledger, caching, admin, resilience, metrics, audit, security, auth,
    sessions, issuers, oidc, well_known, scim_admin, scim, privacy,
    roles, events, webhooks, alerts,
    own_settings, gateway_settings, maintenance, flags, system,
)  # fmt: skip
_LANDING_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def create_app(services: ControlServices, routers: Iterable[APIRouter] = ROUTERS) -> FastAPI:
    app = FastAPI(
        title="Turnpike",
        version=__version__,
        summary="The platform API of a Turnpike gateway.",
        description="Every answer is an envelope: `success`, `data`, `message`, `error`, `meta`. Model calls are made "
        "at /v1, in the form of OpenAI's or Anthropic's API; they are not part of this document.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=document.operation_id,
    )
    app.state.services = services
    app.state.tagged = Tagged(app)
    install(app)
    app.add_exception_handler(idempotency.Replayed, idempotency.replay)
    for router in routers:
        app.include_router(router)
    document.install(app)
    app.add_middleware(Conditional, tagged=app.state.tagged)
    app.add_middleware(AuditTrail, services=services)
    for path, page in (("/", _landing), (LINK_PAGE, _welcome), *swagger.PAGES):
        app.add_api_route(path, page, methods=["GET"], include_in_schema=False, dependencies=[Depends(Public())])
    app.add_middleware(Edge)
    return app


async def _landing() -> HTMLResponse:
    return HTMLResponse(PAGE, headers={"content-security-policy": _LANDING_POLICY})


async def _welcome() -> HTMLResponse:
    return HTMLResponse(welcome.PAGE, headers=welcome.HEADERS)
