"""Which mailer settings ask for. The client is loaded only where there is a server."""

from importlib import import_module

from turnpike.control.infra.mail import Mailer, NoMailer
from turnpike.settings import Settings


def open_mailer(settings: Settings) -> Mailer:
    if settings.smtp_host is None:
        return NoMailer()
    return import_module("turnpike.control.infra.mail.smtp").SmtpMailer(settings)
