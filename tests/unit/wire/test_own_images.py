"""Providers' own forms of image generation: what OpenAI's requests become, and what their answers say."""

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, cast

import pytest

from turnpike.errors import Inexpressible, InvalidRequest, RefusalKind, UpstreamGarbage, UpstreamRefused
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.common.form_request import form_type
from turnpike.wire.dialects.common.imaging import shape_of, shapes
from turnpike.wire.dialects.imagen import IMAGEN
from turnpike.wire.dialects.stability_images import STABILITY_SD3
from turnpike.wire.types.images import ImagesResponse, Picture
from turnpike.wire.types.usage import MediaUsage, Usage

OPENAI = DIALECTS["openai_images"]
ASKED = {"model": "m", "prompt": "a fox"}


def written(form: str, model: str = "upstream", **more: Any) -> bytes:
    return DIALECTS[form].write_request(OPENAI.read_request(json.dumps({**ASKED, **more}).encode()), Target(model))


def predicted(**more: Any) -> dict[str, Any]:
    sent = json.loads(written("imagen", **more))
    assert sent["instances"] == [{"prompt": "a fox"}]
    assert sent["parameters"].pop("includeRaiReason") is True
    return sent["parameters"]


# ---- sizes


@pytest.mark.parametrize(
    ("size", "shape"),
    [("1024x1024", "1:1"), ("256x256", "1:1"), ("1792x1024", "16:9"), ("1024x1792", "9:16"), ("1280x960", "4:3"),
     ("1920x1080", "16:9")],
)  # fmt: skip
def test_a_size_is_said_as_its_shape(size: str, shape: str) -> None:
    assert shape_of(size, shapes("1:1", "3:4", "4:3", "9:16", "16:9"), "x") == shape


@pytest.mark.parametrize("size", ["1536x1024", "1x1", "01024x1024", "1024", "1024X1024", "wide", "1024x1024 ", "16:9"])
def test_a_size_that_is_near_no_shape_is_refused(size: str) -> None:
    with pytest.raises(Inexpressible) as caught:
        shape_of(size, shapes("1:1", "4:3"), "x")

    assert (caught.value.details or {})["param"] == "size"


# ---- Imagen


@pytest.mark.parametrize(
    ("asked", "parameters"),
    [
        ({}, {"sampleCount": 1}),
        ({"n": 4, "size": "auto", "quality": "auto", "background": "auto"}, {"sampleCount": 4}),
        ({"size": "1024x1024", "response_format": "b64_json"}, {"sampleCount": 1, "aspectRatio": "1:1"}),
        (
            {"size": "2048x2048", "background": "opaque", "user": "u", "stream": False},
            {"sampleCount": 1, "aspectRatio": "1:1", "sampleImageSize": "2K"},
        ),
        ({"output_format": "png"}, {"sampleCount": 1, "outputOptions": {"mimeType": "image/png"}}),
        (
            {"output_format": "jpeg", "output_compression": 70},
            {"sampleCount": 1, "outputOptions": {"mimeType": "image/jpeg", "compressionQuality": 70}},
        ),
    ],
)
def test_imagen_is_asked_in_one_instance(asked: dict[str, Any], parameters: dict[str, Any]) -> None:
    assert predicted(**asked) == parameters


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", "1024x1536"),
        ("size", "4096x4096"),
        ("quality", "hd"),
        ("style", "natural"),
        ("background", "transparent"),
        ("moderation", "low"),
        ("response_format", "url"),
        ("output_format", "webp"),
        ("output_compression", 50),
        ("stream", True),
        ("partial_images", 1),
        ("negative_prompt", "rain"),
    ],
)
def test_what_imagen_has_no_word_for_is_refused(field: str, value: Any) -> None:
    with pytest.raises(Inexpressible) as caught:
        predicted(**{field: value})

    assert (caught.value.details or {})["param"] == field


@pytest.mark.parametrize(("field", "value"), [("n", 0), ("n", "2"), ("prompt", 5), ("size", 5)])
def test_images_of_a_wrong_type_are_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        predicted(**{field: value})

    assert (caught.value.details or {})["param"] == field


MADE = {"mimeType": "image/png", "bytesBase64Encoded": "AAAA", "prompt": "a red fox"}
FILTERED = {"raiFilteredReason": "Filtered, see the guidelines."}


def test_predictions_are_images_and_filtered_ones_are_not_counted() -> None:
    body = json.dumps({"predictions": [MADE, FILTERED, {**MADE, "prompt": None}]}).encode()
    usage = Usage(media=MediaUsage(images=2))

    assert IMAGEN.read_usage(body) == usage
    assert IMAGEN.read_response(body) == ImagesResponse(
        pictures=(Picture(data="AAAA", revised_prompt="a red fox"), Picture(data="AAAA")), format="png", usage=usage
    )


def test_nothing_but_filtered_images_is_a_refusal() -> None:
    body = json.dumps({"predictions": [FILTERED, FILTERED]}).encode()

    with pytest.raises(UpstreamRefused, match="guidelines") as caught:
        IMAGEN.read_response(body)

    assert (caught.value.status, caught.value.kind) == (400, RefusalKind.CONTENT)
    assert IMAGEN.read_usage(body) == Usage(media=MediaUsage())


@pytest.mark.parametrize("body", [b'{"predictions": []}', b'{"predictions": [{}]}', b'{"predictions": 1}'])
def test_an_answer_without_images_is_garbage(body: bytes) -> None:
    with pytest.raises(UpstreamGarbage):
        IMAGEN.read_response(body)


# ---- Stability AI


def fields_of(body: bytes) -> list[tuple[str, str]]:
    head = b"Content-Type: " + form_type(body) + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    assert not message.defects
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            cast("bytes", part.get_payload(decode=True)).decode(),
        )
        for part in message.iter_parts()
    ]


@pytest.mark.parametrize(
    ("form", "asked", "fields"),
    [
        ("stability_images", {}, [("prompt", "a fox")]),
        ("stability_sd3", {}, [("prompt", "a fox"), ("model", "upstream")]),
        (
            "stability_images",
            {"size": "1024x1536", "output_format": "webp", "n": 1},
            [("prompt", "a fox"), ("aspect_ratio", "2:3"), ("output_format", "webp")],
        ),
        ("stability_images", {"prompt": 'a "fox"\r\n--x\n\0é'}, [("prompt", 'a "fox"\r\n--x\n\0é')]),
    ],
)
def test_stability_is_asked_in_a_form(form: str, asked: dict[str, Any], fields: list[tuple[str, str]]) -> None:
    assert fields_of(written(form, **asked)) == fields


@pytest.mark.parametrize(
    ("form", "field", "value"),
    [
        ("stability_images", "n", 2),
        ("stability_images", "size", "2048x2048"),
        ("stability_images", "size", "1024x1400"),
        ("stability_images", "output_compression", 50),
        ("stability_sd3", "output_format", "webp"),
        ("stability_sd3", "seed", 5),
    ],
)
def test_what_stability_has_no_word_for_is_refused(form: str, field: str, value: Any) -> None:
    with pytest.raises(Inexpressible) as caught:
        written(form, **{field: value})

    assert (caught.value.details or {})["param"] == field


def test_stabilitys_answer_is_an_image() -> None:
    body = b'{"image": "AAAA", "finish_reason": "SUCCESS", "seed": 1}'
    usage = Usage(media=MediaUsage(images=1))

    assert STABILITY_SD3.read_usage(body) == usage
    assert STABILITY_SD3.read_response(body) == ImagesResponse(pictures=(Picture(data="AAAA"),), usage=usage)


def test_a_filtered_image_is_a_refusal_and_counted() -> None:
    body = b'{"image": "AAAA", "finish_reason": "CONTENT_FILTERED", "seed": 1}'

    with pytest.raises(UpstreamRefused) as caught:
        STABILITY_SD3.read_response(body)

    assert caught.value.kind is RefusalKind.CONTENT
    assert STABILITY_SD3.read_usage(body) == Usage(media=MediaUsage(images=1))


# ---- what callers are told


def test_pictures_are_written_as_openai_writes_them() -> None:
    pictures = (Picture(data="AAAA", revised_prompt="a red fox"), Picture(url="https://x.test/a.png"))
    body = json.loads(OPENAI.write_response(ImagesResponse(pictures=pictures, format="png"), "m"))

    assert body.pop("created") > 1_700_000_000
    assert body == {
        "data": [{"b64_json": "AAAA", "revised_prompt": "a red fox"}, {"url": "https://x.test/a.png"}],
        "output_format": "png",
    }
