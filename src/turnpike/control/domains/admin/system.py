"""What this gateway is made of, and how it is: versions, database, Redis, relays, disk."""

import shutil
import sys
from platform import platform
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import text

from turnpike import __version__
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.admin.exposition import own_samples
from turnpike.control.infra.redis_client import FAILURES, open_client
from turnpike.control.rights.permissions import Permission
from turnpike.control.services import ControlServices
from turnpike.control.web.database import Reading
from turnpike.control.web.envelope import Envelope, Moment, moment, ok
from turnpike.control.web.fields import View
from turnpike.control.web.principal import May, Principal, Services
from turnpike.kit.clock import now_ms

router = APIRouter(prefix="/api/v1/admin", tags=["admin"])
Viewer = Annotated[Principal, Depends(May(Permission.MANAGE_PLATFORM))]
_REDIS_TIMEOUT_S = 1.0


class DatabaseView(View):
    kind: str = Field(description="sqlite or postgresql", examples=["postgresql"])
    version: str = Field(examples=["18.1"])
    migration: str = Field(description="Of the schema.", examples=["0021"])


class RedisView(View):
    state: str = Field(description="`ok`, `not configured`, or what is wrong.", examples=["ok"])
    version: str | None = Field(examples=["7.4.1"])


class RelayView(View):
    incarnation: str = Field(description="Names one relay process for its whole life.")


class DiskView(View):
    free_bytes: int
    total_bytes: int


class SystemView(View):
    version: str
    python: str
    platform: str
    mode: str = Field(description="development or production", examples=["production"])
    started_at: Moment
    uptime_s: float
    snapshot_version: int = Field(description="Of the catalog that relays work from.")
    database: DatabaseView
    redis: RedisView
    relays: list[RelayView] = Field(description="Connected to this control process now.")
    disk: DiskView = Field(description="Where the data folder is.")
    maintenance: bool
    checks: dict[str, str] = Field(description="As in /health.", examples=[{"database": "ok"}])


class CounterView(View):
    name: str = Field(examples=["turnpike_requests_total"])
    value: float


class CountersView(View):
    relays: list[CounterView] = Field(description="Sums over all relays since they started, one a metric.")
    control: list[CounterView] = Field(description="Of this control process.")


@router.get("/system")
async def get_system(_: Viewer, control: Services, session: Reading) -> Envelope[SystemView]:
    """Versions, database, Redis, relays, disk and uptime, as this control process sees them."""
    disk = shutil.disk_usage(control.settings.data_dir)
    now = now_ms()
    return ok(
        SystemView(
            version=__version__,
            python=sys.version.split()[0],
            platform=platform(terse=True),
            mode=str(control.settings.mode),
            started_at=moment(control.started_at_ms),
            uptime_s=(now - control.started_at_ms) / 1000,
            snapshot_version=control.keeper.known_snapshot_version,
            database=await _database(session),
            redis=await _redis(control),
            relays=[RelayView(incarnation=str(each)) for each in sorted(control.metrics.relays())],
            disk=DiskView(free_bytes=disk.free, total_bytes=disk.total),
            maintenance=control.keeper.maintenance is not None,
            checks=control.health.report(),
        )
    )


async def _database(session: ReadSession) -> DatabaseView:
    kind = session.get_bind().dialect.name
    asked = "SELECT sqlite_version()" if kind == "sqlite" else "SHOW server_version"
    version = (await session.execute(text(asked))).scalar_one()
    migration = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    return DatabaseView(kind=kind, version=str(version).split(" ")[0], migration=str(migration))


async def _redis(control: ControlServices) -> RedisView:
    """Asked over a connection of its own, so that what is seen is the way there as well."""
    url = control.settings.redis_url
    if url is None:
        return RedisView(state="not configured", version=None)
    client = open_client(url.get_secret_value(), connect_s=_REDIS_TIMEOUT_S, answer_s=_REDIS_TIMEOUT_S)
    try:
        found = await client.info("server")
        return RedisView(state="ok", version=str(found.get("redis_version")))
    except FAILURES as error:
        return RedisView(state=f"cannot be reached: {type(error).__name__}", version=None)
    finally:
        await client.aclose()


@router.get("/counters")
async def get_counters(_: Viewer, control: Services) -> Envelope[CountersView]:
    """What was counted since the start, as sums; /metrics has the same by label."""
    sums: dict[str, float] = {}
    for sample in control.metrics.merged():
        sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    own: dict[str, float] = {}
    for sample in own_samples(control):
        own[sample.name] = own.get(sample.name, 0.0) + sample.value
    return ok(CountersView(relays=_counters(sums), control=_counters(own)))


def _counters(sums: dict[str, float]) -> list[CounterView]:
    return [CounterView(name=name, value=value) for name, value in sorted(sums.items())]
