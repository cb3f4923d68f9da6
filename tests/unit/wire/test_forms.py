"""Forms are read the same however they are cut, and nothing is taken that two readers could see differently."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.forms import BOUNDARY, cut, field, file, form
from turnpike.errors import InvalidRequest, UnsupportedMedia
from turnpike.wire.forms import MAX_PARTS, MAX_VALUE_BYTES, FormScanner, boundary_of

WATCHED = frozenset(("model", "stream"))
MARK = BOUNDARY.encode()


def scan(body: bytes, *pieces: bytes) -> FormScanner:
    scanner = FormScanner(MARK, WATCHED)
    for piece in pieces or (body,):
        scanner.feed(piece)
    scanner.finish()
    return scanner


ALMOST = [b"\r\n", b"\r\n--", b"\r\n--" + MARK[:-1], b"--", b"\r", b"\n"]
near_boundaries = st.lists(st.one_of(st.binary(max_size=40), st.sampled_from(ALMOST)), max_size=8).map(b"".join)


@given(data=near_boundaries, after=st.booleans(), places=st.lists(st.integers(0, 600), max_size=12))
def test_a_form_cut_anywhere_is_the_same_form(data: bytes, after: bool, places: list[int]) -> None:
    parts = [file("file", data), field("prompt", data.replace(MARK, b"")), field("stream", "true")]
    parts.insert(3 if after else 0, field("model", "whisper"))
    body = form(*parts)
    scanner = scan(body, *cut(body, places))

    model = scanner.fields["model"]
    assert (model.value, body[model.start : model.end]) == ("whisper", b"whisper")
    assert scanner.fields["stream"].value == "true"
    assert [(each.name, each.size, each.beginning) for each in scanner.files] == [("file", len(data), data)]
    assert scanner.size == len(body)


def test_every_byte_may_come_alone() -> None:
    body = form(file("file", b"\r\n--" + MARK[:-1] + b"\r\n-"), field("model", "m"))
    scanner = scan(body, *(body[place : place + 1] for place in range(len(body))))

    assert scanner.fields["model"].start == body.rindex(b"m\r\n--")


@pytest.mark.parametrize(
    "parts",
    [
        (field("model", "a"), field("model", "b")),
        (field("model", "a"), field("mod%65l", "b")),
        (field("model", "a"), field("mo\\del", "b")),
        (file("model", b"a"),),
        (b'Content-Disposition: form-data; name="x"; name="model"\r\n\r\na',),
        (b"Content-Disposition: form-data; name=\"x\"; name*=utf-8''model\r\n\r\na",),
        (b'Content-Disposition: form-data; name="x"\r\nContent-Disposition: form-data; name="model"\r\n\r\na',),
        (b'Content-Disposition: form-data; name="model"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==',),
        (b"Content-Type: text/plain\r\n\r\na",),
        (b'Content-Disposition: attachment; name="model"\r\n\r\na',),
        (field("model", "x" * (MAX_VALUE_BYTES + 1)),),
        (field("model", b"\xff\xfe"),),
        tuple(field(f"f{number}", "") for number in range(MAX_PARTS + 1)),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(InvalidRequest):
        scan(form(*parts))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form",
        b"--" + MARK + b"--\r\n",
        form(field("model", "a"))[:-8],
        form(field("model", "a")) + b"more",
        b"\r\n" + form(field("model", "a")),
        b"preamble\r\n" + form(field("model", "a")),
        form(field("model", "a")) + form(field("model", "b")),
        form(field("x", b"a\n--" + MARK + b'\nContent-Disposition: form-data; name="model"\n\nb')),
        form(field("x", b"a\r\n--" + MARK + b' \r\nContent-Disposition: form-data; name="model"\r\n\r\nb')),
        form(field("x", b"in the line --" + MARK)),
        form(field("model", "a")).replace(b"\r\n", b"\n"),
    ],
)
def test_a_body_with_a_doubtful_boundary_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        scan(body)


@pytest.mark.parametrize(
    ("given_type", "boundary"),
    [
        (b"multipart/form-data; boundary=abc", b"abc"),
        (b'Multipart/Form-Data; charset=utf-8; Boundary="a b"', b"a b"),
        (b"multipart/form-data;boundary=abc; charset=utf-8", b"abc"),
    ],
)
def test_the_boundary_is_read_from_the_content_type(given_type: bytes, boundary: bytes) -> None:
    assert boundary_of(given_type) == boundary


@pytest.mark.parametrize(
    "given_type",
    [
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b"multipart/form-data; boundary=a; boundary=b",
        b"multipart/form-data; boundary=" + b"a" * 71,
        b'multipart/form-data; boundary="a\\"b"',
    ],
)
def test_a_form_without_one_plain_boundary_is_refused(given_type: bytes) -> None:
    with pytest.raises(InvalidRequest, match="boundary"):
        boundary_of(given_type)


@pytest.mark.parametrize("given_type", [None, b"application/json", b"multipart/mixed; boundary=a"])
def test_another_content_type_is_refused(given_type: bytes | None) -> None:
    with pytest.raises(UnsupportedMedia):
        boundary_of(given_type)
