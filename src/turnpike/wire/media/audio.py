"""How long a recording is, told from its beginning and its size, for answers that do not say.

WAV: the RIFF header's byte rate and data size. FLAC: STREAMINFO (RFC 9639, 8.2). MP3: the first frame's bit rate, or
the Xing/Info header's count of frames. Anything else is estimated by its size.
"""

import struct

GUESSED_BYTES_PER_S = 8_000
"""64 kbit/s: speech in a common compressed form."""

_MP3_RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
"""kbit/s of MPEG 1 layer III."""
_MP3_RATES_LOW = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
"""Of MPEG 2 and 2.5."""
_MP3_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_LONGEST_MS = 7 * 24 * 3600 * 1000
"""More than this is a broken header."""


def audio_ms(beginning: bytes, size: int) -> int | None:
    """Milliseconds, or None when the format does not tell. `beginning`: the file's first kilobytes; `size`: all of
    it, in bytes."""
    try:
        found = _known(beginning, size)
    except (struct.error, ZeroDivisionError, IndexError):
        return None
    return found if found is not None and 0 < found <= _LONGEST_MS else None


def guessed_ms(size: int) -> int:
    """For a format that does not tell; at least one."""
    return max(1, size * 1000 // GUESSED_BYTES_PER_S)


def _known(data: bytes, size: int) -> int | None:
    if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
        return _wav(data, size)
    if data.startswith(b"fLaC"):
        return _flac(data)
    offset = 0
    if data.startswith(b"ID3"):
        length = data[6:10]
        offset = 10 + (length[0] << 21 | length[1] << 14 | length[2] << 7 | length[3])
    if len(data) > offset + 4 and data[offset] == 0xFF and data[offset + 1] & 0xE0 == 0xE0:
        return _mp3(data[offset:], size - offset)
    return None


def _wav(data: bytes, size: int) -> int | None:
    place = 12
    rate = 0
    while place + 8 <= len(data):
        kind = data[place : place + 4]
        (length,) = struct.unpack_from("<I", data, place + 4)
        if kind == b"fmt ":
            (rate,) = struct.unpack_from("<I", data, place + 16)
        elif kind == b"data":
            # A stream's header may say that it has no end: then the file's does.
            return min(length, size - place - 8) * 1000 // rate
        place += 8 + length + (length & 1)
    return (size - 44) * 1000 // rate if rate else None


def _flac(data: bytes) -> int | None:
    (packed,) = struct.unpack_from(">Q", data, 18)
    samples = packed & (1 << 36) - 1
    return samples * 1000 // (packed >> 44) if samples else None


def _mp3(data: bytes, size: int) -> int | None:
    version = data[1] >> 3 & 3
    layer = data[1] >> 1 & 3
    if version == 1 or layer != 1:
        return None
    kbits = (_MP3_RATES if version == 3 else _MP3_RATES_LOW)[data[2] >> 4]
    rate_hz = _MP3_HZ[version][data[2] >> 2 & 3]
    for mark in (b"Xing", b"Info"):
        place = data.find(mark, 0, 200)
        if place >= 0 and data[place + 7] & 1:
            (frames,) = struct.unpack_from(">I", data, place + 8)
            return frames * (1152 if version == 3 else 576) * 1000 // rate_hz
    return size * 8 // kbits
