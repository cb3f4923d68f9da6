"""What works in the background for events, put together."""

from turnpike.control.delivery.dispatcher import Dispatcher
from turnpike.control.delivery.health_reports import HealthReports
from turnpike.control.delivery.senders import Senders
from turnpike.control.delivery.worker import DeliveryWorker
from turnpike.control.domains.alerts.evaluator import Evaluator
from turnpike.control.drain.charges import home_of
from turnpike.control.outbound import Outbound
from turnpike.control.services import ControlServices, Runner


def event_runners(services: ControlServices) -> list[Runner]:
    settings, database = services.settings, services.database
    home = home_of(settings.journal_dir)
    senders = Senders(settings, services.sealer, Outbound(settings), services.mailer)
    worker = DeliveryWorker(settings, database, senders, home)
    database.on_event(worker.wake)
    dispatcher = Dispatcher(database, worker.wake, services.streams.wake)
    reports = HealthReports(database, services.provider_health, home)
    return [dispatcher, worker, reports, Evaluator(settings, database, home)]
