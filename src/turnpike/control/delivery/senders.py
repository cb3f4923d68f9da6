"""One attempt to bring an event to its receiver: a webhook, a mail, a message to a chat."""

import time
from dataclasses import dataclass

import msgspec

from turnpike.control.db.models import AlertTarget, EventRow, WebhookEndpoint
from turnpike.control.delivery import signing, words
from turnpike.control.delivery.backoff import retry_after_s
from turnpike.control.events.outbox import body
from turnpike.control.infra.mail import Mail, Mailer, MailFailed
from turnpike.control.infra.secrets import Sealer
from turnpike.control.outbound import Outbound, Receipt
from turnpike.errors import TurnpikeError, UpstreamError
from turnpike.kit.clock import now_ms
from turnpike.settings import Settings

READ_BYTES = 4096
SHOWN = 500
_GONE = 410


@dataclass(frozen=True)
class Outcome:
    status: int | None = None
    error: str | None = None
    """None: it was delivered."""
    answer: str | None = None
    retry_after_s: float | None = None
    gone: bool = False
    """The receiver says that it is no more."""
    final: bool = False
    """Trying again would not help."""


class Senders:
    def __init__(self, settings: Settings, sealer: Sealer, outbound: Outbound, mailer: Mailer) -> None:
        self._settings = settings
        self._sealer = sealer
        self._outbound = outbound
        self._mailer = mailer

    async def send(self, event: EventRow, receiver: WebhookEndpoint | AlertTarget) -> Outcome:
        """Never raises what the receiver or its network is to blame for."""
        try:
            if isinstance(receiver, WebhookEndpoint):
                return await self._webhook(event, receiver)
            if receiver.sealed_url is not None:
                return await self._slack(event, self._sealer.open(receiver.sealed_url))
            return await self._mail(event, receiver.addresses or [])
        except UpstreamError as error:
            return Outcome(error=error.message[:SHOWN])
        except MailFailed as error:
            return Outcome(error.reply, error.message[:SHOWN], final=error.final)
        except TurnpikeError as error:
            # A secret that no key opens any more: an administrator has to look.
            return Outcome(error=error.message[:SHOWN], final=True)

    async def _webhook(self, event: EventRow, endpoint: WebhookEndpoint) -> Outcome:
        secrets = [self._sealer.open(endpoint.sealed_secret)]
        if endpoint.sealed_old_secret is not None and (endpoint.old_until_ms or 0) > now_ms():
            secrets.append(self._sealer.open(endpoint.sealed_old_secret))
        content = body(event)
        return await self._post(endpoint.url, content, signing.headers(secrets, event.id, int(time.time()), content))

    async def _slack(self, event: EventRow, url: str) -> Outcome:
        content = msgspec.json.encode(words.slack(event))
        return await self._post(url, content, {"content-type": "application/json"})

    async def _post(self, url: str, content: bytes, headers: dict[str, str]) -> Outcome:
        receipt = await self._outbound.deliver(
            url,
            content,
            headers=headers,
            allow_addresses=self._settings.webhook_allow_addresses,
            timeout_s=self._settings.webhook_timeout_s,
            read_bytes=READ_BYTES,
        )
        return _judged(receipt)

    async def _mail(self, event: EventRow, addresses: list[str]) -> Outcome:
        await self._mailer.send(Mail(tuple(addresses), words.subject(event), words.text(event), event.id))
        return Outcome(250)


def _judged(receipt: Receipt) -> Outcome:
    status, answer = receipt.status, _shown(receipt.beginning)
    if 200 <= status < 300:
        return Outcome(status, answer=answer)
    error = f"It answered {status}."
    if 300 <= status < 400:
        error = f"It answered {status}: redirects are not followed."
    asked = retry_after_s(receipt.headers.get("retry-after"), time.time())
    return Outcome(status, error, answer, asked, gone=status == _GONE)


def _shown(beginning: bytes) -> str | None:
    text = "".join(each if each.isprintable() else " " for each in beginning.decode("utf-8", "replace"))
    return text.strip()[:SHOWN] or None
