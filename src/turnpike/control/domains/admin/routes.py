"""/api/v1/admin, and control's own state at /api/v1/health."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends

from turnpike import __version__
from turnpike.control.domains.admin import service
from turnpike.control.domains.admin.schemas import HealthView, RotatedView, RotateSecretsBody
from turnpike.control.health import status_of
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.envelope import Envelope, ok
from turnpike.control.web.principal import May, Principal, Public, Services
from turnpike.kit.clock import utc_now

Manager = Annotated[Principal, Depends(May(Permission.MANAGE_SECRETS))]
router = APIRouter(prefix="/api/v1", tags=["admin"])


@router.post("/admin/secrets/rotate")
async def rotate_secrets(
    _: Manager, control: Services, body: Annotated[RotateSecretsBody | None, Body()] = None
) -> Envelope[RotatedView]:
    """Re-encrypts every stored secret under the newest key; may be repeated, and goes on where it was stopped."""
    done = await service.rotate_secrets(control, body or RotateSecretsBody())
    return ok(done, f"{done.reencrypted} secrets were re-encrypted.")


@router.get("/health", dependencies=[Depends(Public())])
async def health(control: Services) -> Envelope[HealthView]:
    """Control's state; the whole gateway's is at /health."""
    report = control.health.report()
    return ok(HealthView(status=status_of(report), version=__version__, checks=report, timestamp=utc_now()))
