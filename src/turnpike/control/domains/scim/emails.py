"""Which of the addresses that a provider sends is the person's e-mail here."""

import re
from typing import TYPE_CHECKING

from scim2_models import InvalidValueException

if TYPE_CHECKING:
    from turnpike.control.domains.scim.resources import User

_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
MAX_EMAIL = 254


def email_of(wanted: "User") -> str | None:
    """The primary one, else that of work, else the first; without any the userName, if it is one. In lower case.
    Raises InvalidValueException."""
    given = [each for each in wanted.emails or () if each.value]
    for each in given:
        if not _is_email(each.value or ""):
            raise InvalidValueException(detail="emails.value: this is no e-mail address.")
    order = sorted(given, key=lambda each: (not each.primary, each.type != "work"))
    found = order[0].value if order else wanted.user_name
    return found.strip().lower() if found and _is_email(found) else None


def _is_email(text: str) -> bool:
    return len(text) <= MAX_EMAIL and _EMAIL.fullmatch(text.strip()) is not None
