"""What control is made of, put together once (run.py, offline.py) and passed on; nothing reaches for a global."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from turnpike.control.db.database import Database
from turnpike.control.domains.budgets.lender import Lender as MoneyLender
from turnpike.control.domains.caching.desk import AnswerDesk
from turnpike.control.domains.objects.service import ObjectDesk
from turnpike.control.domains.settings.runtime import RuntimeSettings
from turnpike.control.drain.state import DrainState
from turnpike.control.events.streams import EventStreams
from turnpike.control.health import HealthChecks
from turnpike.control.infra.cache import Cache
from turnpike.control.infra.mail import Mailer
from turnpike.control.infra.secrets import Sealer
from turnpike.control.keeper import Keeper
from turnpike.control.lending import Lender
from turnpike.control.provider_health import ProviderHealth
from turnpike.control.refusals import RefusalLog
from turnpike.control.relay_metrics import RelayMetrics
from turnpike.control.signin import SignIn
from turnpike.kit.clock import now_ms
from turnpike.settings import Settings

Counters = tuple[tuple[str, str, int], ...]
"""Scope, resource and length in milliseconds of each."""


class Runner(Protocol):
    """Something that works in the background as long as control serves: the drain of the journal, periodic tasks."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass
class ControlServices:
    settings: Settings
    database: Database
    sealer: Sealer
    keeper: Keeper
    cache: Cache
    metrics: RelayMetrics
    health: HealthChecks
    objects: ObjectDesk
    answers: AnswerDesk
    refusals: RefusalLog
    signin: SignIn
    money: MoneyLender
    lender: Lender
    streams: EventStreams
    mailer: Mailer
    runtime: RuntimeSettings
    """Of which `settings` are those in force."""
    provider_health: ProviderHealth = field(default_factory=ProviderHealth)
    drain: Callable[[], DrainState] = DrainState
    """How the drain is; told by its process."""
    runners: Sequence[Runner] = field(default_factory=list)
    limits_reset: Callable[[Counters], None] = lambda _: None
    """Tells this machine's relays that counters were reset; set when they are served."""
    started_at_ms: int = field(default_factory=now_ms)

    def __post_init__(self) -> None:
        self.runtime.on_change = self._changed

    def _changed(self, settings: Settings) -> None:
        self.settings = settings
