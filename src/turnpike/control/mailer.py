"""The port by which control sends mail to people. Whoever has a way to send puts it in the place of `NoMailer`."""

from typing import Protocol


class Mailer(Protocol):
    async def send(self, to: str, subject: str, text: str) -> bool:
        """A plain text to one address. False when it was not sent, whatever the reason; raises nothing."""
        ...


class NoMailer:
    """Where no mail is configured."""

    async def send(self, to: str, subject: str, text: str) -> bool:
        return False
