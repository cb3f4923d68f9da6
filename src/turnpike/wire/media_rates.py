"""What is billed by other units than text: images by size and quality, seconds of sound and video, characters,
searches, pages, and tools that a provider runs. Most models have none of this: `Rates.media` is None then.

`turnpike.wire.prices` adds it to the price of tokens.
"""

import msgspec

from turnpike.wire.types.usage import MediaUsage, Usage

MS_PER_HOUR = 3_600_000
MS_PER_SECOND = 1_000
PIXELS_PER_MEGAPIXEL = 1_000_000
ANY = "*"


class MediaRates(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Picodollars (1e-12 USD) a unit; 0 or None: not billed by this unit."""

    input_image: int | None = None
    """A token of an image that was sent. None: as any other input token."""
    output_image: int | None = None
    """A token of an image that was made. None: as any other output token."""
    image: dict[str, int] = {}
    """An image by its class, see `class_rate`. Holds where the answer counts no output tokens."""
    image_megapixel: int = 0
    """A million pixels of an image, by the size in its class."""
    input_audio_hour: int = 0
    output_audio_hour: int = 0
    video_second: dict[str, int] = {}
    """A second of video by its class, see `class_rate`."""
    character: int = 0
    search: int = 0
    """A search unit of a rerank."""
    page: int = 0
    file_search: int = 0
    code_execution: int = 0


def class_rate(table: dict[str, int], media_class: str) -> int:
    """The rate of a class such as `1024x1024/hd`: by the whole of it, else by its size, else by its quality (`*/hd`),
    else that of any (`*`). A class that nothing of this names costs what the dearest one does: never nothing."""
    size, _, quality = media_class.partition("/")
    for name in (media_class, size, f"*/{quality}", ANY):
        rate = table.get(name)
        if rate is not None:
            return rate
    return max(table.values(), default=0)


def megapixels_pico(media_class: str, rate: int) -> int:
    """What one image of a class costs by its pixels. A class without a size counts as one megapixel."""
    width, times, height = media_class.partition("/")[0].partition("x")
    if not times or not width.isdecimal() or not height.isdecimal():
        return rate
    return int(width) * int(height) * rate // PIXELS_PER_MEGAPIXEL


def parts_pico(usage: Usage, media: MediaUsage, rates: MediaRates, plain_input: int, plain_output: int) -> int:
    """What is discounted together with tokens: everything that a model itself took in or made.

    Image tokens are part of a usage's tokens, so only their difference to the plain rates is added here.
    """
    pico = media.characters * rates.character + media.pages * rates.page + media.searches * rates.search
    if rates.input_image is not None:
        pico += media.input_image_tokens * (rates.input_image - plain_input)
    if rates.output_image is not None:
        pico += media.output_image_tokens * (rates.output_image - plain_output)
    if media.images and not usage.output_tokens:
        if rates.image:
            pico += media.images * class_rate(rates.image, media.image_class)
        if rates.image_megapixel:
            pico += media.images * megapixels_pico(media.image_class, rates.image_megapixel)
    audio = media.input_audio_ms * rates.input_audio_hour + media.output_audio_ms * rates.output_audio_hour
    pico += (audio + MS_PER_HOUR // 2) // MS_PER_HOUR
    if media.video_ms and rates.video_second:
        second = class_rate(rates.video_second, media.image_class)
        pico += (media.video_ms * second + MS_PER_SECOND // 2) // MS_PER_SECOND
    return pico


def fees_pico(media: MediaUsage, rates: MediaRates) -> int:
    """What no service tier discounts: tools that the provider ran."""
    return media.file_searches * rates.file_search + media.code_executions * rates.code_execution
