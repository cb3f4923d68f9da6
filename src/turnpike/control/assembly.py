"""Puts control's parts together, the same for a server and for a command that works without one."""

from turnpike.control.db.database import Database
from turnpike.control.domains.budgets.lender import Lender as MoneyLender
from turnpike.control.domains.caching.stores import open_desk
from turnpike.control.domains.catalog.snapshot import SnapshotCompiler
from turnpike.control.domains.objects.service import ObjectDesk
from turnpike.control.domains.settings.runtime import RuntimeSettings
from turnpike.control.drain.charges import home_of
from turnpike.control.events.streams import EventStreams
from turnpike.control.health import HealthChecks
from turnpike.control.infra.cache.memory import MemoryCache
from turnpike.control.infra.mail.choice import open_mailer
from turnpike.control.infra.secrets import Keyring, Sealer
from turnpike.control.keeper import Keeper
from turnpike.control.lending import Lender, open_leases
from turnpike.control.outbound import Outbound
from turnpike.control.refusals import RefusalLog
from turnpike.control.relay_metrics import RelayMetrics
from turnpike.control.services import ControlServices
from turnpike.control.signin import SignIn
from turnpike.control.tokens.minter import Minter
from turnpike.settings import Settings


def assemble(settings: Settings, keyring: Keyring) -> ControlServices:
    """Nothing is connected or started yet."""
    sealer = Sealer(keyring)
    database = Database(settings)
    tokens = Minter(Outbound(settings))
    runtime = RuntimeSettings(settings)
    keeper = Keeper(settings, database, sealer, SnapshotCompiler(settings, sealer, runtime).compile, tokens)
    health = HealthChecks()
    health.register("database", keeper.database_check)
    health.register("snapshot", keeper.snapshot_check)
    health.register("tokens", tokens.check)
    health.register("maintenance", keeper.maintenance_check)
    lender = Lender(open_leases(settings, database))
    health.register("limits", lender.check)
    return ControlServices(
        settings=settings,
        database=database,
        sealer=sealer,
        keeper=keeper,
        cache=MemoryCache(),
        metrics=RelayMetrics(),
        health=health,
        objects=ObjectDesk(database),
        answers=open_desk(settings, sealer, database),
        refusals=RefusalLog(database, settings.data_dir.resolve() / "refusals"),
        signin=SignIn.of(settings, database, sealer, keeper),
        lender=lender,
        runtime=runtime,
        money=MoneyLender(database, lambda: home_of(settings.journal_dir)),
        streams=EventStreams(settings, database),
        mailer=open_mailer(settings),
    )
