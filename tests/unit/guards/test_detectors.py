"""Each kind: what it finds and what it leaves alone."""

import pytest

from turnpike.wire.guards.detectors import DETECTORS, detectors_for, kinds_of

TRUE: dict[str, tuple[str, ...]] = {
    "email": ("bob@example.com", "a.b+c@mail.example.co.uk", "müller@büro.de", "x_1%y@sub-1.example.org"),
    "phone": ("+49 30 1234567", "+1 (415) 555-2671", "+44 20 7946 0958", "(415) 555-2671", "415-555-2671",
              "0033 1 70 18 99 00", "030/1234567", "01 70 18 99 00"),
    "card": ("4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "6011111111111117", "3530111333300000"),
    "iban": ("DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "FR1420041010050500013M02606",
             "NO9386011117947", "nl91 abna 0417 1643 00"),
    "ip": ("10.0.0.1", "192.168.255.255", "2001:db8::1", "fe80::1ff:fe23:4567:890a"),
    "credential": ("sk-proj-abcdEFGH1234567890abcd", "sk-ant-api03-abcdefghij0123456789", "AKIAIOSFODNN7EXAMPLE",
                   "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "xoxb-1234567890-abcdefghij",
                   "AIzaSyA1234567890abcdefghijklmnopqrstuv", "hf_abcdefghijklmnopqrstuvwxyz1234567"),
    "us_ssn": ("219-09-1234", "078 05 1121"),
    "uk_nino": ("AB 12 34 56 C", "JG103759A"),
    "de_tax_id": ("86095742719", "86 095 742 719"),
    "fr_nir": ("2 55 08 14 168 025 38", "255081416802538"),
    "es_dni": ("12345678Z", "X1234567L", "X-1234567-L"),
    "it_codice_fiscale": ("RSSMRA85T10A562S", "rssmra85t10a562s"),
    "nl_bsn": ("BSN 111222333", "burgerservicenummer: 123456782"),
    "pl_pesel": ("44051401359",),
    "br_cpf": ("529.982.247-25", "52998224725"),
    "in_aadhaar": ("2341 2341 2346", "Aadhaar number 234123412346"),
}  # fmt: skip
FALSE: dict[str, tuple[str, ...]] = {
    "email": ("bob at example.com", "@decorator", "a@b", "user@localhost", "1@2.3"),
    "phone": ("2024-01-02", "12345", "01/02/2024", "1.2.3.4", "version 10.20.30", "+1", "11111111111", "$1,234,567"),
    "card": ("4111 1111 1111 1112", "1234 5678 9012 3456", "0000000000000000", "41111111111111111111111"),
    "iban": ("DE89 3704 0044 0532 0130 01", "XX89370400440532013000", "GB29NWBK6016133192681", "ABCD12345678901234"),
    "ip": ("256.1.1.1", "1.2.3", "12:30:45", "a::b::c::d", "10.0.0.1.2.3.4.5.6", "std::string"),
    "credential": ("sk-learn-is-a-library-of-python", "the token is missing", "password: changeme",
                   "secret santa is coming to town", "d41d8cd98f00b204e9800998ecf8427e", "api_key: null"),
    "us_ssn": ("000-12-3456", "666-12-3456", "912-12-3456", "123-00-4567", "219091234"),
    "uk_nino": ("BG 12 34 56 C", "AB 12 34 56 E", "QQ123456C"),
    "de_tax_id": ("86095742718", "12345678901"),
    "fr_nir": ("2 55 08 14 168 025 39", "955081416802538"),
    "es_dni": ("12345678A", "X1234567A"),
    "it_codice_fiscale": ("RSSMRA85T10A562T", "ABCDEFGHIJKLMNOP"),
    "nl_bsn": ("BSN 111222334", "111222333"),
    "pl_pesel": ("44051401358", "99999999999"),
    "br_cpf": ("529.982.247-26", "111.111.111-11"),
    "in_aadhaar": ("2341 2341 2347", "234123412346", "1234 5678 9012"),
}  # fmt: skip


def found(kind: str, text: str) -> list[str]:
    raw = text.encode()
    seen: list[str] = []
    for detector in detectors_for((kind,)):
        if detector.needs is None or detector.needs(raw):
            seen += [raw[each.low : detector.end_of(raw, each)].decode() for each in detector.finds(raw)]
    return seen


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in TRUE.items() for text in texts])
def test_it_is_found_alone_and_in_a_sentence(kind: str, text: str) -> None:
    alone = found(kind, text)
    assert len(alone) == 1, alone
    value = alone[0]
    assert text.endswith(value)
    assert found(kind, f"Please take {text}, and tell me.") == [value]
    assert found(kind, f"«{text}»") == [value]
    assert found(kind, f"first\n{text}\nlast") == [value]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in FALSE.items() for text in texts])
def test_what_only_looks_like_it_is_left_alone(kind: str, text: str) -> None:
    assert found(kind, text) == []
    assert found(kind, f"Please take {text} and go.") == []


def test_every_kind_has_examples() -> None:
    assert set(TRUE) == set(FALSE) == set(DETECTORS)


def test_groups_stand_for_their_kinds() -> None:
    assert kinds_of(()) == DETECTORS
    assert kinds_of(("financial", "email")) == ("email", "card", "iban")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Authorization: Bearer abcDEF123456ghi789", "abcDEF123456ghi789"),
        ("password = 'hunter2Xq9!z7'", "hunter2Xq9!z7"),
        ("postgres://me:pa55word@db/x", "pa55word"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQ\nabc=\n-----END", "-----BEGIN PRIVATE KEY-----\nMIIEvQ\nabc=\n"),
    ],
)
def test_secrets_behind_words_that_say_so(text: str, value: str) -> None:
    assert value in found("credential", text)
