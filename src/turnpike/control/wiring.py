"""Control's HTTP servers: loaded by run.py behind the contract socket, because the framework takes its time.

The forward socket takes what relays pass on, from anyone; the admin socket only the operator of this machine can open.
Both lead to one application.
"""

from typing import Any

import uvicorn
from starlette.types import ASGIApp

from turnpike.control.app import create_app
from turnpike.control.delivery.runners import event_runners
from turnpike.control.domains.budgets.overseer import Overseer
from turnpike.control.domains.catalog.checking import ProviderChecks
from turnpike.control.domains.limits.resets import ResetWatch
from turnpike.control.domains.objects.batches import BatchCosts
from turnpike.control.drain import checks
from turnpike.control.drain.board import Board
from turnpike.control.drain.courtesy import Turnstile
from turnpike.control.services import ControlServices
from turnpike.control.signing_heads import HeadSigner
from turnpike.control.tasks import PeriodicTasks
from turnpike.control.web.edge import AdminDoor
from turnpike.settings import Settings


class Server(uvicorn.Server):
    """Signals are the process's concern (run.py)."""

    def install_signal_handlers(self) -> None:
        return None


def build(services: ControlServices) -> tuple[ASGIApp, ASGIApp]:
    """Returns the application of the forward socket and that of the admin socket, and adds the background runners."""
    app = create_app(services)
    _look_at_drain(services)
    batches = BatchCosts(services.settings, services.database, services.sealer)
    services.objects.when_ended = batches.look_now
    overseer = Overseer(services.database, services.money)
    services.runners = [*services.runners, HeadSigner(services), PeriodicTasks(services), batches]
    services.runners += [services.refusals, overseer, ProviderChecks(services)]
    services.runners.append(ResetWatch(services.database, services.limits_reset))
    services.runners += event_runners(services)
    return app, AdminDoor(app)


def _look_at_drain(services: ControlServices) -> None:
    board = Board(services.settings)
    if services.database.is_sqlite:
        Turnstile(board.memory).watch(services.database.writers)
    services.drain = board.state
    checks.register(services.health, services.drain)


def make_server(settings: Settings, app: Any) -> uvicorn.Server:
    return Server(
        uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=round(settings.drain_timeout_s),
            h11_max_incomplete_event_size=settings.head_limit_bytes,
        )
    )
