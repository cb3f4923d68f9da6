"""What a caller's form becomes for a provider with a form of its own."""

import json
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support.forms import BOUNDARY, content_type, field, file, form
from turnpike.errors import InvalidRequest
from turnpike.relay.media_forms import placed, provider_form, said_in
from turnpike.relay.uploads import Form, Replay, Spool, Uploads
from turnpike.wire.forms import FormScanner
from turnpike.wire.media.provider_form import Written

SOUND = bytes(range(256)) * 3
LARGE = SOUND * 1000
WRITTEN = Written(fields=(("model_id", "scribe"), ("language_code", "de")), file="recording")
WATCHED = frozenset(("model", "stream", "response_format"))


def read(body: bytes, tmp_path: Path) -> Form:
    settings = SimpleNamespace(spool_dir=str(tmp_path), spool_limit_bytes=1 << 30)
    uploads = Uploads(cast("Any", SimpleNamespace(settings=settings)))
    scanner, spool = FormScanner(BOUNDARY.encode(), WATCHED), Spool(uploads)
    scanner.feed(body)
    spool.write(body)
    return Form(scanner, spool, content_type()[1].encode(), uploads)


def test_its_fields_are_said_as_json(tmp_path: Path) -> None:
    asked = form(
        field("language", "de"),
        file("file", SOUND),
        field("model", "m"),
        field("timestamp_granularities[]", "word"),
        field("timestamp_granularities[]", "segment"),
        file("other", b"x"),
    )

    assert json.loads(said_in(read(asked, tmp_path), "file")) == {
        "language": "de", "model": "m", "timestamp_granularities": ["word", "segment"], "other": "sound.wav",
    }  # fmt: skip


@pytest.mark.parametrize("names", [("language", "language"), ("language", "language[]"), ("language[]", "language")])
def test_a_field_that_stands_there_twice_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    asked = form(*(field(name, "de") for name in names), file("file", SOUND), field("model", "m"))

    with pytest.raises(InvalidRequest, match="twice"):
        said_in(read(asked, tmp_path), "file")


@pytest.mark.parametrize("sound", [SOUND, LARGE, b""], ids=["in memory", "on disk", "empty"])
def test_the_file_stands_in_the_providers_form(tmp_path: Path, sound: bytes) -> None:
    asked = form(field("prompt", "x"), file("file", sound, filename="a b.mp3"), field("model", "m"), field("user", "u"))
    came = read(asked, tmp_path)
    sent = provider_form(came, "file", WRITTEN)
    raw = b"".join(sent.pieces()) if isinstance(sent, Replay) else sent
    came.close()
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type()[1]}\r\n\r\n".encode() + raw)
    parts = [
        (part.get_param("name", header="content-disposition"), part.get_filename(), part.get_payload(decode=True))
        for part in message.iter_parts()
    ]

    assert len(raw) == len(sent)
    assert not message.defects
    assert parts == [
        ("model_id", None, b"scribe"), ("language_code", None, b"de"), ("recording", "a b.mp3", sound),
    ]  # fmt: skip


def test_several_files_are_refused(tmp_path: Path) -> None:
    asked = form(file("file", SOUND), file("file", SOUND), field("model", "m"))

    with pytest.raises(InvalidRequest, match="one file"):
        provider_form(read(asked, tmp_path), "file", WRITTEN)


@pytest.mark.parametrize(
    ("path", "place", "whole"),
    [
        ("/v1/speech", "/voice?format=mp3", "/v1/speech/voice?format=mp3"),
        ("/v1/speech?key=k", "/voice?format=mp3", "/v1/speech/voice?format=mp3&key=k"),
        ("/v1/speech?key=k", "/voice", "/v1/speech/voice?key=k"),
        ("/v1/speech", "", "/v1/speech"),
    ],
)
def test_a_path_goes_on(path: str, place: str, whole: str) -> None:
    assert placed(b"POST %b HTTP/1.1\r\nx: y?z\r\n\r\n" % path.encode(), place) == (
        b"POST %b HTTP/1.1\r\nx: y?z\r\n\r\n" % whole.encode()
    )
