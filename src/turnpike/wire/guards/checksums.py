"""Check digits. Each takes the bare digits (or letters) and says whether they agree.

Sources: ISO/IEC 7812-1 (Luhn), ISO 13616 and ISO/IEC 7064 (IBAN; mod 11,10), J. Verhoeff 1969 (Aadhaar), and the
issuing authorities' published rules for the national numbers.
"""

from collections import Counter

_VERHOEFF_D = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_VERHOEFF_P = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_CF_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
         10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip
_PESEL = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)


def luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        if place % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def mod97(iban: str) -> bool:
    """Country and check digits in front, as it is written."""
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % 97 == 1


def verhoeff(digits: str) -> bool:
    state = 0
    for place, digit in enumerate(reversed(digits)):
        state = int(_VERHOEFF_D[state][int(_VERHOEFF_P[place % 8][int(digit)])])
    return state == 0


def de_tax_id(digits: str) -> bool:
    """Steuer-Identifikationsnummer: mod 11,10; of the first ten digits one stands there twice or three times."""
    counts = Counter(digits[:10])
    often = sorted(counts.values())[-2:]
    if digits[0] == "0" or often not in ([1, 2], [1, 3]):
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def fr_nir(text: str) -> bool:
    """13 places and a key of two; Corsica's departments are 2A and 2B."""
    number = text[:13].upper().replace("2A", "19").replace("2B", "18")
    month = int(number[3:5])
    return (1 <= month <= 12 or 20 <= month <= 42 or month >= 50) and 97 - int(number) % 97 == int(text[13:])


def es_dni(text: str) -> bool:
    """DNI, or NIE with X, Y or Z in front."""
    number = text[:-1].upper()
    if number[0] in "XYZ":
        number = str("XYZ".index(number[0])) + number[1:]
    return _DNI[int(number) % 23] == text[-1].upper()


def it_codice_fiscale(text: str) -> bool:
    letters = text.upper()
    total = 0
    for place, each in enumerate(letters[:15]):
        even = int(each) if each.isdigit() else ord(each) - 65
        total += even if place % 2 else _CF_ODD[each]
    return chr(65 + total % 26) == letters[15]


def nl_bsn(digits: str) -> bool:
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return digits != "000000000" and sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11 == 0


def pl_pesel(digits: str) -> bool:
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return False
    return (10 - sum(int(d) * w for d, w in zip(digits, _PESEL, strict=False)) % 10) % 10 == int(digits[10])


def br_cpf(digits: str) -> bool:
    if len(set(digits)) == 1:
        return False
    for size in (9, 10):
        rest = sum(int(digit) * (size + 1 - place) for place, digit in enumerate(digits[:size])) * 10 % 11 % 10
        if rest != int(digits[size]):
            return False
    return True


def us_ssn(digits: str) -> bool:
    """There are no check digits: areas, groups and serials that are never given out."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000":
        return False
    return digits not in ("078051120", "219099999", "123456789")
