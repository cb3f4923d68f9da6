"""Mail, to a real server: what is sent, how it is protected, and what is tried again."""

from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr
from sqlalchemy import update

from tests.support.certificates import Authority
from tests.support.control import api, running_control, unused_port
from tests.support.receiving import Delivering, allowing
from turnpike.control.db.models import Delivery
from turnpike.control.infra.mail import Mail, MailFailed
from turnpike.control.infra.mail.choice import open_mailer
from turnpike.control.services import ControlServices
from turnpike.kit.clock import now_ms
from turnpike.settings import Settings, SmtpTls

ALERTS = "/api/v1/alerts"


class Mailbox:
    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.reply = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        self.envelopes.append(envelope)
        return self.reply


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "mail authority")


@pytest.fixture
def mail_server(mailbox: Mailbox, authority: Authority) -> Iterator[Controller]:
    """Takes nothing without STARTTLS and a password."""

    def known(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=(data.login, data.password) == (b"gate", b"s3cret-of-mail"))

    controller = Controller(
        mailbox, hostname="127.0.0.1", port=unused_port(), authenticator=known, auth_required=True,
        require_starttls=True, tls_context=authority.server("mail", "127.0.0.1"),
    )  # fmt: skip
    controller.start()
    yield controller
    controller.stop()


def smtp(server: Controller, **more: Any) -> dict[str, Any]:
    return {
        "smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_user": "gate",
        "smtp_password": SecretStr("s3cret-of-mail"), "mail_from": "gate@example.com", "webhook_attempts": 2, **more,
    }  # fmt: skip


@pytest.fixture
async def mailing(
    sqlite_settings: Settings, mail_server: Controller, authority: Authority
) -> AsyncIterator[ControlServices]:
    async with running_control(allowing(sqlite_settings, **smtp(mail_server, smtp_ca=authority.file))) as running:
        yield running


async def test_alerts_are_sent_by_mail_and_tried_again_while_the_server_cannot(
    mailing: ControlServices, mailbox: Mailbox
) -> None:
    delivering = Delivering(mailing)
    async with api(mailing) as operator:
        body = {"name": "mail", "kind": "email", "addresses": ["ops@example.com", "ada@example.com"]}
        target = await operator.data("POST", f"{ALERTS}/targets", body)
        mailbox.reply = "451 try later"
        await operator.data("POST", f"{ALERTS}/targets/{target['id']}/test")
        await delivering.turn()
        path, wanted = "/api/v1/webhooks/deliveries", {"receiver_id": target["id"]}
        (shown,) = await operator.data("GET", path, params=wanted)
        assert (shown["status"], shown["last_status"], shown["channel"]) == ("pending", 451, "email")
        mailbox.reply = "250 OK"
        async with mailing.database.write() as session:
            await session.execute(update(Delivery).values(due_at_ms=now_ms()))
        await delivering.turn()
        assert (await operator.data("GET", path, params=wanted))[0]["status"] == "delivered"
        envelope = mailbox.envelopes[1]
        assert envelope.rcpt_tos == ["ops@example.com", "ada@example.com"]
        content = bytes(envelope.content or b"").decode()
        assert "Subject: [test] Turnpike" in content
        assert "A test from Turnpike." in content
        mailbox.reply = "550 never"
        await operator.data("POST", f"{ALERTS}/targets/{target['id']}/test")
        await delivering.turn()
        assert (await operator.data("GET", path, params={**wanted, "status": "dead"}))[0]["last_status"] == 550
        entries = await operator.get("/api/v1/audit")
        assert "s3cret-of-mail" not in entries.text


async def test_mail_goes_out_over_tls_only_where_that_is_asked_for(sqlite_settings: Settings, mailbox: Mailbox) -> None:
    """A server that does not offer STARTTLS gets neither the password nor the message."""
    plain = Controller(mailbox, hostname="127.0.0.1", port=unused_port())
    plain.start()
    async with running_control(allowing(sqlite_settings, **smtp(plain))) as running, api(running) as operator:
        body = {"name": "mail", "kind": "email", "addresses": ["ops@example.com"]}
        target = await operator.data("POST", f"{ALERTS}/targets", body)
        await operator.data("POST", f"{ALERTS}/targets/{target['id']}/test")
        await Delivering(running).turn()
        (shown,) = await operator.data("GET", "/api/v1/webhooks/deliveries")
    plain.stop()
    assert shown["status"] == "pending"
    assert "mail server cannot be used" in shown["last_error"]
    assert mailbox.envelopes == []


@pytest.mark.parametrize("by", ["starttls", "none"])
async def test_the_port_sends_what_it_is_given(
    sqlite_settings: Settings, mail_server: Controller, mailbox: Mailbox, authority: Authority, by: str
) -> None:
    """As whoever invites people uses it. Without TLS this server refuses, and the port says so."""
    changed = allowing(sqlite_settings, **smtp(mail_server, smtp_ca=authority.file, smtp_tls=SmtpTls(by)))
    mailer = open_mailer(changed)
    mail = Mail(("ada@example.com",), "Willkommen, Ada \u2014 hier", "Grüße\n")
    if by == "none":
        with pytest.raises(MailFailed):
            await mailer.send(mail)
        assert mailbox.envelopes == []
        return
    await mailer.send(mail)
    (envelope,) = mailbox.envelopes
    got = message_from_bytes(bytes(envelope.content or b""), policy=default)
    assert (got["subject"], got["to"], got["from"]) == (mail.subject, "ada@example.com", "gate@example.com")
    assert got.get_content().strip() == "Grüße"


async def test_without_a_mail_server_nothing_is_sent(sqlite_settings: Settings) -> None:
    mailer = open_mailer(sqlite_settings)
    assert mailer.configured is False
    with pytest.raises(MailFailed, match="TURNPIKE_SMTP_HOST"):
        await mailer.send(Mail(("ada@example.com",), "Hello", "x"))
