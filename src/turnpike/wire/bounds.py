"""The most that a call can cost, before it is sent: what a hard budget reserves.

Input: a byte-level tokenizer makes no more tokens than there are bytes, and a provider's template adds little. Where a
body names what is not in it (a picture, a file, an earlier answer), or holds pictures or sound, whose tokens have
nothing to do with their bytes, the model's context window bounds it. Tools that a provider runs by itself read and
write without a bound that could be known. Output: the caller's own limit, else the model's, else its context window.

None stands for what has no bound or no price.
"""

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from turnpike.wire.dialect import Head
from turnpike.wire.estimate import TEMPLATE_TOKENS
from turnpike.wire.media.usage import INPUT_AUDIO_TOKEN_MS
from turnpike.wire.prices import PICO_PER_NANO, Rates, cost_bound_nanousd, dearest
from turnpike.wire.text_only import is_text_only
from turnpike.wire.types.usage import MediaUsage

if TYPE_CHECKING:
    from turnpike.wire.media.dialect import MediaHead

_ELSEWHERE = (
    b'_url"', b'"url"', b"file_", b'"file', b'inline', b'"image', b'"input_image', b'_audio"', b'"audio', b'"document"',
    b'"video', b"previous_response_id", b'"conversation"', b'"prompt"', b"cached", b'"media"', b'"thread',
)  # fmt: skip
"""Members and values of requests that say: not all that will be read stands here as text. A quote inside of a text is
escaped, so hardly any text is mistaken for one; where one is, the bound is only higher."""
_TOOLS = (
    b'"web_search', b'"file_search', b'"code_interpreter', b'"computer_use', b'"mcp"', b'"mcp_servers', b'"code_exec',
    b'"google_search', b'"googleSearch', b'"url_context', b'"urlContext', b'"codeExec', b'"web_fetch', b'"shell"',
    b'"local_shell', b'"image_generation"', b'"tool_search', b'"container',
)  # fmt: skip
"""Of tools that the provider runs."""
_PLAIN = frozenset(
    b"""model messages role content name text type input instructions contents parts system system_instruction
    systemInstruction max_tokens max_completion_tokens max_output_tokens maxOutputTokens temperature top_p topP top_k
    topK n candidateCount stop stop_sequences stopSequences stream stream_options include_usage seed user metadata
    user_id presence_penalty frequency_penalty logprobs top_logprobs response_format generationConfig generation_config
    reasoning_effort reasoning effort verbosity thinking budget_tokens thinkingConfig thinkingBudget encoding_format
    dimensions""".split()
)
"""Members of requests that are text and nothing else. What such a request holds need not be searched."""
_members = re.compile(rb'"([^"\\ ]{1,64})"\s*:').findall
"""All members' names (none that means anything is longer or has a blank in it), and some of what looks like one in a
text. Without the bound every text would be read to its first blank."""
_TIERS = (b"service_tier", b"serviceTier", b'"speed"')
_SPOKEN_TOKENS_A_S = 20
"""No one speaks faster: for the text of what was said."""
_IMAGE_TOKENS = 8192
"""A picture of the largest size and the best quality has about six thousand."""
_SPEECH_TOKENS, _SPEECH_TOKENS_A_CHARACTER = 256, 8
"""A voice that reads at its usual pace makes one and a third for a character."""
_ESCAPED = b"\\u"
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Contents(NamedTuple):
    """What is to be known of a body, whichever deployment reads it. Read once a call (`contents_of`)."""

    tokens: int
    """At most, of what stands there."""
    has_tools: bool
    """Tools of the provider read and make what nobody knows."""
    is_elsewhere: bool
    """Not all that will be read stands there as text."""
    has_tier: bool
    """It may be served in a dearer way than the usual."""


def contents_of(body: bytes) -> Contents:
    if b"\\" in body and _ESCAPED in body:
        body = _plainly(body)
    tokens = len(body) + TEMPLATE_TOKENS
    if is_text_only(body):
        return Contents(tokens, False, False, False)
    if _PLAIN.issuperset(_members(body)):
        return Contents(tokens, False, False, False)
    return Contents(
        tokens,
        any(word in body for word in _TOOLS),
        any(word in body for word in _ELSEWHERE),
        any(word in body for word in _TIERS),
    )


class Bound:
    """Of calls to one deployment."""

    __slots__ = ("_context", "_dear", "_input", "_most", "_output", "_rates", "_request")

    def __init__(self, rates: Rates | None, context_window: int | None, max_output_tokens: int | None) -> None:
        self._rates = rates
        self._context = context_window
        self._most = max_output_tokens if max_output_tokens is not None else context_window
        self._input, self._output = dearest(rates) if rates is not None else (0, 0)
        every = () if rates is None else (rates, *(tier.rates for tier in rates.tiers))
        self._request = max((one.request for one in every), default=0)
        self._dear = _dearest_service(rates) if rates is not None else 1000
        """Per mille of the usual: what the dearest way of being served costs."""

    @property
    def same_as(self) -> tuple[object, ...]:
        """Equal for deployments whose calls have the same bound."""
        return (self._rates, self._context, self._most)

    @property
    def counts_as(self) -> tuple[int | None, int | None]:
        """Equal for deployments whose calls have the same bound of tokens."""
        return (self._context, self._most)

    def of(self, head: Head, contents: Contents, made: int | None = None) -> int | None:
        """In nano-dollars, of a call whose whole request is its body. `made`: the most tokens of what it makes, where
        that is no text."""
        if self._rates is None:
            return None
        counts = self._counts(head, contents, made)
        if counts is None:
            return None
        input_tokens, output = counts
        if (input_tokens is None and self._input) or (output is None and self._output):
            return None
        pico = (input_tokens or 0) * self._input + (output or 0) * self._output + self._request
        if contents.has_tier and self._dear != 1000:
            pico = pico * self._dear // 1000
        return -(-pico // PICO_PER_NANO)

    def tokens_of(self, head: Head, contents: Contents, *, answers: bool) -> int | None:
        """The most tokens that a call reads and makes; None: not to be known. `answers`: it makes any."""
        counts = self._counts(head, contents, None if answers else 0)
        if counts is None:
            return None
        input_tokens, output = counts
        return None if input_tokens is None or output is None else input_tokens + output

    def _counts(self, head: Head, contents: Contents, made: int | None) -> tuple[int | None, int | None] | None:
        """The most tokens that are read, and made. None: tools of the provider read and make what nobody knows."""
        tokens, has_tools, is_elsewhere, _ = contents
        if has_tools:
            return None
        context = self._context
        input_tokens: int | None = tokens
        if is_elsewhere or (context is not None and context < tokens):
            input_tokens = context
        output = head.output_bound() if made is None else made
        if output is None and self._most is not None:
            output = self._most * head.choices()
        return input_tokens, output

    def of_pieces(self, head: Head, contents: Contents, media: MediaUsage) -> int | None:
        """Likewise, of a call that is billed by the piece as well: pictures, video, searches."""
        tokens = self.of(head, contents, media.images * _IMAGE_TOKENS if media.images else None)
        if tokens is None or self._rates is None:
            return None
        return tokens + cost_bound_nanousd(0, 0, self._rates, requests=0, media=media)

    def of_media(self, head: "MediaHead", media: MediaUsage | None) -> int | None:
        """Likewise, of a form or of text to be spoken. Sound that does not tell its length has no bound."""
        if self._rates is None or (head.file_bytes and head.audio_ms is None and not (media and media.images)):
            return None
        heard_ms = head.audio_ms or 0
        if media is not None and media.images and head.file_bytes:
            input_tokens = self._context
        else:
            input_tokens = head.text_bytes + TEMPLATE_TOKENS + -(-heard_ms // INPUT_AUDIO_TOKEN_MS)
        output = self._most
        if media is not None and media.images:
            output = media.images * _IMAGE_TOKENS
        elif media is not None and media.characters:
            output = _SPEECH_TOKENS + media.characters * _SPEECH_TOKENS_A_CHARACTER
        elif heard_ms:
            said = TEMPLATE_TOKENS + heard_ms * _SPOKEN_TOKENS_A_S // 1000
            output = said if output is None else min(said, output)
        if (input_tokens is None and self._input) or (output is None and self._output):
            return None
        return cost_bound_nanousd(input_tokens or 0, output or 0, self._rates, media=media)

    def of_tokens(self, input_tokens: int) -> int | None:
        """Of a turn in a conversation that is so long already."""
        if self._rates is None or (self._most is None and self._output):
            return None
        return cost_bound_nanousd(input_tokens, self._most or 0, self._rates)

    def of_unknown(self) -> int | None:
        """Of a call of which nothing is known but the model: a whole context read, and as much written as it can."""
        return None if self._context is None else self.of_tokens(self._context)


def _dearest_service(rates: Rates) -> int:
    """Per mille, rounded up, of what tokens usually cost."""
    usual = dearest(rates)
    most = 1000
    for service in rates.services:
        dear = dearest(service.rates or rates)
        for part, whole in zip(dear, usual, strict=True):
            most = max(most, -(-part * service.per_mille // whole) if whole else service.per_mille)
    return most


def _plainly(body: bytes) -> bytes:
    """Without escapes, which a member's name could hide behind, and which are longer than the letters that a tokenizer
    will see."""
    try:
        return _encode(_decode(body))
    except (msgspec.DecodeError, RecursionError):
        return body
