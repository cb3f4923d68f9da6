"""Mail, as a port of one method: who sends invitations or alerts knows nothing of mail servers."""

from dataclasses import dataclass
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol

from turnpike.errors import TurnpikeError


class MailFailed(TurnpikeError):
    """A message could not be handed over; `reply` is the server's code where there was one. Never sent to a caller of
    the API by itself: who sends mail decides what it means."""

    def __init__(self, message: str, *, reply: int | None = None, final: bool = False) -> None:
        super().__init__(message)
        self.reply = reply
        self.final = final
        """Trying again would not help."""


@dataclass(frozen=True)
class Mail:
    to: tuple[str, ...]
    """Addresses alone, without names."""
    subject: str
    text: str
    message_id: str | None = None
    """What makes a repeated message the same one to its receiver: the part before the `@`."""


class Mailer(Protocol):
    @property
    def configured(self) -> bool:
        """Whether there is a mail server at all."""
        ...

    async def send(self, mail: Mail) -> None:
        """Returns once the server has taken the message for every receiver. Raises MailFailed."""
        ...


class NoMailer:
    """Where no mail server is set."""

    configured = False

    async def send(self, mail: Mail) -> None:
        raise MailFailed(f"{mail.subject!r} was not sent: no mail server is set (TURNPIKE_SMTP_HOST).")


def composed(mail: Mail, sender: str) -> EmailMessage:
    """Raises MailFailed for what cannot be a header: a line end in a subject or an address."""
    message = EmailMessage()
    domain = sender.rpartition("@")[2] or "localhost"
    try:
        message["From"] = sender
        message["To"] = ", ".join(mail.to)
        message["Subject"] = mail.subject
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{mail.message_id}@{domain}>" if mail.message_id else make_msgid(domain=domain)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
    except (MessageError, ValueError) as error:
        raise MailFailed(f"This is no message that can be sent: {error}", final=True) from error
    return message
