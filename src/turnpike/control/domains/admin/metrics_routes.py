"""/metrics, for everyone or for the permission view_cluster, as the setting `metrics_open` has it."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from turnpike.control.domains.admin.exposition import CONTENT_TYPE, render
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.principal import May, Services, services


class MayReadMetrics:
    """Lets everyone in where the setting says so."""

    permission = Permission.VIEW_CLUSTER.value

    def __init__(self) -> None:
        self._needs = May(Permission.VIEW_CLUSTER)

    async def __call__(self, request: Request) -> None:
        if not services(request).settings.metrics_open:
            await self._needs(request)


router = APIRouter(tags=["operations"])


@router.get(
    "/metrics",
    response_class=Response,
    dependencies=[Depends(MayReadMetrics())],
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text format."}},
)
async def metrics(control: Services) -> Response:
    """All relays' metrics as one, and control's own."""
    return Response(render(control), media_type=CONTENT_TYPE)
