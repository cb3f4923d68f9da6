"""Mail over SMTP (RFC 5321), with STARTTLS (RFC 3207) or TLS from the first byte (RFC 8314)."""

import ssl

import aiosmtplib

from turnpike.control.infra.mail import Mail, MailFailed, composed
from turnpike.settings import Settings, SmtpTls

_TRANSIENT = range(400, 500)


class SmtpMailer:
    """A connection for each message: alerts are few, and a kept connection is one that may have died."""

    configured = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, mail: Mail) -> None:
        settings = self._settings
        message = composed(mail, settings.mail_from)
        password = settings.smtp_password
        try:
            refused, _ = await aiosmtplib.send(
                message,
                sender=settings.mail_from,
                recipients=list(mail.to),
                hostname=settings.smtp_host,
                local_hostname=settings.mail_from.rpartition("@")[2] or "localhost",  # asking DNS for it takes its time
                port=settings.smtp_port,
                username=settings.smtp_user,
                password=password.get_secret_value() if password is not None else None,
                use_tls=settings.smtp_tls is SmtpTls.TLS,
                start_tls=settings.smtp_tls is SmtpTls.STARTTLS,
                timeout=settings.smtp_timeout_s,
                tls_context=self._context() if settings.smtp_tls is not SmtpTls.NONE else None,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = error.recipients[0].code if error.recipients else None
            raise _failed("every receiver is refused", code) from error
        except aiosmtplib.SMTPResponseException as error:
            # The server's words may repeat what it was sent: its code says enough.
            raise _failed(type(error).__name__, error.code) from error
        except (aiosmtplib.SMTPException, OSError, ValueError, UnicodeError) as error:
            raise MailFailed(f"The mail server cannot be used: {type(error).__name__}.") from error
        if refused:
            raise _failed(f"{len(refused)} of {len(mail.to)} receivers are refused", next(iter(refused.values())).code)

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._settings.smtp_ca is not None:
            context.load_verify_locations(self._settings.smtp_ca)
        return context


def _failed(words: str, code: int | None) -> MailFailed:
    final = code is not None and code not in _TRANSIENT
    return MailFailed(f"The mail server refused it ({code}): {words}.", reply=code, final=final)
