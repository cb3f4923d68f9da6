"""The detectors that are built in, and the groups that policies name them by.

A number alone is a weak sign: where there are check digits they must agree, and where there are none, or one in ten
numbers would pass, the number must be written as people write it or stand behind a word that says what it is.
"""

import re
from collections.abc import Callable
from functools import cache
from ipaddress import AddressValueError, IPv6Address
from typing import Any

from turnpike.errors import InvalidRequest
from turnpike.wire.guards import checksums
from turnpike.wire.guards.credentials import credential_detectors
from turnpike.wire.guards.engine import Check, Detector

_DIGITS = re.compile(rb"[0-9](?:[ .()/\-]{0,3}[0-9]){6}").search
"""Every number that is looked for has seven digits at least; most numbers in a text have fewer."""
_DOTTED = re.compile(rb"[0-9]\.[0-9]{1,3}\.[0-9]").search
_MIXED = re.compile(rb"[A-Za-z]{2} ?[0-9]{2}").search
_COLONS = re.compile(rb":[0-9A-Fa-f]{0,4}:").search
_AT = re.compile(rb"@").search
_NOT_DIGIT = re.compile(rb"[^0-9]")
_NOT_ALNUM = re.compile(rb"[^0-9A-Za-z]")
_ALNUM = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGIT = b"0123456789"

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip
"""By country, of the whole number (ISO 13616 registry)."""


def _bare(value: bytes) -> str:
    return _NOT_DIGIT.sub(b"", value).decode()


def _whole(rule: Callable[[str], bool], size: int, *, letters: bool = False) -> Check:
    """A check of a number of `size` places, separators left out."""

    def check(value: bytes) -> int:
        text = (_NOT_ALNUM if letters else _NOT_DIGIT).sub(b"", value).decode()
        return len(value) if len(text) == size and rule(text) else 0

    return check


def _starting(value: bytes, size: int, wanted: re.Pattern[bytes]) -> int:
    """How many bytes the first `size` characters take, separators between them included; 0: there are not as many."""
    for place, match in enumerate(wanted.finditer(value), 1):
        if place == size:
            return match.end()
    return 0


_ONE_DIGIT = re.compile(rb"[0-9]")
_ONE_ALNUM = re.compile(rb"[0-9A-Za-z]")


def _iban(value: bytes) -> int:
    size = IBAN_LENGTHS.get(value[:2].decode().upper(), 0)
    end = _starting(value, size, _ONE_ALNUM) if size else 0
    if not end:
        return 0
    return end if checksums.mod97(_NOT_ALNUM.sub(b"", value[:end]).decode().upper()) else 0


def _is_card(digits: str) -> bool:
    """A number of an issuer that there is, of the length that it gives."""
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    known = (
        (digits[0] == "4" and size in (13, 16, 19))
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and size == 16)
        or (two in (34, 37) and size == 15)
        or ((two in (36, 38, 39) or 3000 <= four <= 3059) and size == 14)
        or (3528 <= four <= 3589 and 16 <= size <= 19)
        or ((four == 6011 or two in (60, 62, 64, 65)) and 16 <= size <= 19)
        or ((two in (50, 63, 67, 68) or 56 <= two <= 58) and 16 <= size <= 19)
    )
    return known and len(set(digits)) > 1 and checksums.luhn(digits)


def _card(value: bytes) -> int:
    """The longest number that agrees and ends where a group of digits does: a security code may follow it."""
    for size in range(19, 12, -1):
        end = _starting(value, size, _ONE_DIGIT)
        if end and (end == len(value) or value[end] not in _DIGIT) and _is_card(_bare(value[:end])):
            return end
    return 0


def _phone(value: bytes) -> int:
    """8 to 15 digits (E.164) in groups that a number may have; no date, no version, no price."""
    digits = _bare(value)
    if not 8 <= len(digits) <= 15 or len(set(digits)) < 3:
        return 0
    if not value.startswith((b"+", b"00")) and _DATE(value):
        return 0
    return len(value)


_DATE = re.compile(rb"(?:[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}|[0-9]{4}[./-][0-9]{1,2}[./-][0-9]{1,2})").match


def _ipv4(value: bytes) -> int:
    return len(value) if all(int(part) <= 255 for part in value.split(b".")) else 0


def _ipv6(value: bytes) -> int:
    try:
        IPv6Address(value.decode())
    except (AddressValueError, ValueError):
        return 0
    return len(value) if value != b"::" else 0


_LETTERS = r"A-Za-z\x{C0}-\x{24F}\x{370}-\x{52F}"
"""Latin, Greek and Cyrillic. Other scripts write without spaces: an address among them would take their words along."""


def _number() -> dict[str, Any]:
    """What stands around a number that stands alone."""
    return {"needs": _DIGITS, "before": _ALNUM + b"_.", "after": _ALNUM + b"_"}


def _general() -> dict[str, tuple[Detector, ...]]:
    number = _number()
    return {
        "email": (
            Detector(
                "email",
                rf"[{_LETTERS}0-9._%+'\-]{{1,64}}@(?:[{_LETTERS}0-9\-]+\.)+[{_LETTERS}]{{2,24}}",
                needs=_AT,
            ),
        ),
        "phone": (
            Detector(
                "phone",
                r"(?:\+|00)[1-9][0-9]{0,2}(?:[ .\-/]?\(?[0-9]{1,5}\)?){2,6}|\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[ .\-][0-9]{4}"
                r"|[2-9][0-9]{2}[.\-][2-9][0-9]{2}[.\-][0-9]{4}|1[ .\-][2-9][0-9]{2}[ .\-][2-9][0-9]{2}[ .\-][0-9]{4}"
                r"|0[1-9][0-9]{1,4}[ /\-][0-9]{3,8}(?:[ \-][0-9]{2,6}){0,3}|0[1-9](?:[ .][0-9]{2}){4}",
                _phone,
                **number,
            ),
        ),
        "card": (Detector("card", r"[2-6][0-9]{3}(?:[ \-]?[0-9]){9,15}", _card, **number),),
        "iban": (
            Detector(
                "iban",
                r"[A-Za-z]{2}[0-9]{2}(?:[ \-]?[A-Za-z0-9]){11,30}",
                _iban,
                needs=_MIXED,
                before=_ALNUM,
                after=_ALNUM,
            ),
        ),
        "ip": (
            Detector(
                "ip", r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", _ipv4, needs=_DOTTED, before=_ALNUM + b"_.-", after=_ALNUM
            ),
            Detector(
                "ip",
                r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.[0-9]{1,3}){0,3}",
                _ipv6,
                needs=_COLONS,
                before=_ALNUM + b":.",
                after=_ALNUM + b":",
            ),
        ),
        "credential": credential_detectors(),
    }


def _national() -> dict[str, tuple[Detector, ...]]:
    number = _number()
    return {
        "us_ssn": (
            Detector("us_ssn", r"[0-9]{3}[ \-][0-9]{2}[ \-][0-9]{4}", _whole(checksums.us_ssn, 9), **number),
            Detector(
                "us_ssn",
                r"(?i)\b(?:ssn|social security(?: number| no\.?)?)\b[^0-9\n]{0,20}([0-9]{9})",
                _whole(checksums.us_ssn, 9),
                group=1,
                needs=_DIGITS,
                after=_ALNUM,
            ),
        ),
        "uk_nino": (
            Detector(
                "uk_nino",
                r"(?i)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]",
                lambda value: 0 if value[:2].upper() in (b"BG", b"GB", b"NK", b"KN", b"TN", b"NT", b"ZZ") else len(value),
                needs=_MIXED,
                before=_ALNUM,
                after=_ALNUM,
            ),
        ),
        "de_tax_id": (
            Detector(
                "de_tax_id", r"[1-9][0-9](?: ?[0-9]{3}){3}", _whole(checksums.de_tax_id, 11), **number
            ),
        ),
        "fr_nir": (
            Detector(
                "fr_nir",
                r"[1-478] ?[0-9]{2} ?[0-9]{2} ?(?:[0-9]{2}|2[ABab]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
                _whole(checksums.fr_nir, 15, letters=True),
                **number,
            ),
        ),
        "es_dni": (
            Detector(
                "es_dni",
                r"(?i)(?:[0-9]{8}|[XYZ][ \-]?[0-9]{7})[ \-]?[A-HJ-NP-TV-Z]",
                lambda value: len(value) if checksums.es_dni(_NOT_ALNUM.sub(b"", value).decode()) else 0,
                needs=_DIGITS,
                before=_ALNUM,
                after=_ALNUM,
            ),
        ),
        "it_codice_fiscale": (
            Detector(
                "it_codice_fiscale",
                r"(?i)[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]",
                lambda value: len(value) if checksums.it_codice_fiscale(value.decode()) else 0,
                before=_ALNUM,
                after=_ALNUM,
            ),
        ),
        "nl_bsn": (
            Detector(
                "nl_bsn",
                r"(?i)\b(?:bsn|burgerservicenummer|sofi-?nummer)\b[^0-9\n]{0,20}([0-9]{3}[. ]?[0-9]{3}[. ]?[0-9]{3})",
                _whole(checksums.nl_bsn, 9),
                group=1,
                needs=_DIGITS,
                after=_ALNUM,
            ),
            Detector("nl_bsn", r"[0-9]{4}\.[0-9]{2}\.[0-9]{3}", _whole(checksums.nl_bsn, 9), **number),
        ),
        "pl_pesel": (Detector("pl_pesel", r"[0-9]{11}", _whole(checksums.pl_pesel, 11), **number),),
        "br_cpf": (
            Detector("br_cpf", r"[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}", _whole(checksums.br_cpf, 11), **number),
        ),
        "in_aadhaar": (
            Detector(
                "in_aadhaar", r"[2-9][0-9]{3}[ \-][0-9]{4}[ \-][0-9]{4}", _whole(checksums.verhoeff, 12), **number
            ),
            Detector(
                "in_aadhaar",
                r"(?i)\b(?:aadhaar|aadhar|uidai)\b[^0-9\n]{0,20}([2-9][0-9]{11})",
                _whole(checksums.verhoeff, 12),
                group=1,
                needs=_DIGITS,
                after=_ALNUM,
            ),
        ),
    }  # fmt: skip


NATIONAL_IDS = (
    "us_ssn", "uk_nino", "de_tax_id", "fr_nir", "es_dni", "it_codice_fiscale", "nl_bsn", "pl_pesel", "br_cpf",
    "in_aadhaar",
)  # fmt: skip
DETECTORS = ("email", "phone", "card", "iban", "ip", "credential", *NATIONAL_IDS)
"""Every kind. Where two find something at the same place the longer find counts, then the earlier of these."""
GROUPS: dict[str, tuple[str, ...]] = {
    "national_id": NATIONAL_IDS,
    "financial": ("card", "iban"),
    "contact": ("email", "phone"),
    "all": DETECTORS,
}


@cache
def _all() -> dict[str, tuple[Detector, ...]]:
    return _general() | _national()


def kinds_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds that a guard's words stand for; none: all. Raises InvalidRequest for an unknown one."""
    wanted: set[str] = set()
    for name in names or ("all",):
        if name not in DETECTORS and name not in GROUPS:
            known = ", ".join((*DETECTORS, *GROUPS))
            raise InvalidRequest(f"detect: there is no detector {name[:64]!r}; take from {known}.")
        wanted.update(GROUPS.get(name, (name,)))
    return tuple(kind for kind in DETECTORS if kind in wanted)


def detectors_for(names: tuple[str, ...]) -> tuple[Detector, ...]:
    """Raises InvalidRequest for an unknown name."""
    return tuple(each for kind in kinds_of(names) for each in _all()[kind])
