"""The head of an upstream's answer, looked at as little as possible."""

import re
import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from turnpike.errors import UpstreamGarbage

_PRINTABLE = re.compile(rb"[\x20-\x7e\t\x80-\xff]*")


def parsed_date(text: bytes) -> datetime | None:
    """An HTTP date in any of its three forms (RFC 9110, 5.6.7); None for what is none."""
    try:
        date = parsedate_to_datetime(text.decode("ascii"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


class AnswerHead:
    """Status and headers. Made from the raw head on the fast lane or from parsed pairs on the other."""

    __slots__ = ("_pairs", "_raw", "status")

    def __init__(self, status: int, *, raw: bytes = b"", pairs: list[tuple[bytes, bytes]] | None = None) -> None:
        self.status = status
        self._raw = raw
        self._pairs = pairs

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """Names in lower case, values stripped, in the order of the answer."""
        pairs = self._pairs
        if pairs is None:
            lines = (line.partition(b":") for line in self._raw.split(b"\r\n")[1:-1])
            pairs = self._pairs = [(name.lower(), value.strip()) for name, _, value in lines]
        return pairs

    def get(self, name: bytes) -> bytes | None:
        """The first value under this lower-case name, if it is fit to be sent on in a header."""
        for each, value in self.pairs():
            if each == name:
                return value if _PRINTABLE.fullmatch(value) else None
        return None

    @property
    def encoded(self) -> bool:
        """Whether a content encoding was applied although identity was asked for."""
        encoding = self.get(b"content-encoding")
        return encoding is not None and encoding.lower() not in (b"identity", b"")

    def is_of(self, content_type: bytes) -> bool:
        """Whether the answer's content type begins with this one, given in lower case."""
        return (self.get(b"content-type") or b"").lower().startswith(content_type)

    def retry_after_s(self) -> float | None:
        """Retry-After in seconds (RFC 9110, 10.2.3): a number or a date, or OpenAI's `retry-after-ms`. None: there is
        none that can be read. A date is compared with the answer's own, so that the provider's clock may be wrong."""
        milliseconds = self.get(b"retry-after-ms")
        if milliseconds is not None and milliseconds.isdigit():
            return int(milliseconds[:9]) / 1000
        seconds = self.get(b"retry-after")
        if seconds is None:
            return None
        return float(int(seconds[:9])) if seconds.isdigit() else self._until_s(seconds)

    def _until_s(self, date: bytes) -> float | None:
        until = parsed_date(date)
        if until is None:
            return None
        sent = parsed_date(self.get(b"date") or b"")
        return max(0.0, (until - (sent or datetime.now(UTC))).total_seconds())


class Decoder:
    """Undoes a content encoding that an upstream applied although it was asked for identity."""

    __slots__ = ("_limit", "_made", "_zlib")

    def __init__(self, encoding: bytes, limit: int) -> None:
        """Raises UpstreamGarbage for an encoding other than gzip and deflate."""
        name = encoding.strip().lower()
        if name not in (b"gzip", b"x-gzip", b"deflate"):
            shown = name.decode("latin-1")[:40]
            raise UpstreamGarbage(f"The provider answered in the content encoding '{shown}', which was not asked for.")
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 32 if name != b"deflate" else zlib.MAX_WBITS)
        self._limit = limit
        self._made = 0

    def feed(self, data: bytes) -> bytes:
        """Raises UpstreamGarbage for broken data or more than the limit."""
        try:
            decoded = self._zlib.decompress(data, self._limit - self._made + 1)
        except zlib.error as error:
            raise UpstreamGarbage("The provider's compressed answer cannot be read.") from error
        self._made += len(decoded)
        if self._made > self._limit:
            raise UpstreamGarbage(f"The provider's answer is larger than {self._limit} bytes when decompressed.")
        return decoded
