"""Batches: many calls in one file or one body, each of which must be one that its caller might make by itself.

OpenAI's batches are files of JSON lines (`custom_id`, `method`, `url`, `body`); Anthropic's are an array `requests` of
`custom_id` and `params`. Sources: OpenAI, "Batch API"; Anthropic, "Message Batches".
"""

from collections.abc import Callable
from typing import Any, cast

import msgspec

from turnpike.errors import InvalidRequest, TurnpikeError
from turnpike.wire.passage.paths import Api
from turnpike.wire.passage.references import Reference, references_in
from turnpike.wire.passage.usage import added, usage_in
from turnpike.wire.types.usage import Usage

ADMISSIBLE = ("/v1/responses", "/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/v1/moderations")
"""What a line of OpenAI's may ask for; each is judged as the call that it is."""
MESSAGES = "/v1/messages"
LINES_AT_MOST = 100_000

OPENAI_ENDED = frozenset(("completed", "failed", "expired", "cancelled"))
ANTHROPIC_ENDED = "ended"

Admit = Callable[[str, str], str]
"""Endpoint and model as the caller wrote it to the provider's own name. Raises what an ordinary call would."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Admitted(msgspec.Struct):
    """What a batch asks for, once every line was judged."""

    lines: int
    endpoints: tuple[str, ...]
    models: tuple[str, ...]
    """As the caller wrote them."""
    references: list[Reference]


class LineJudge:
    """Judges a file of OpenAI's, line by line."""

    def __init__(self, admit: Admit) -> None:
        self._admit = admit
        self._number = self._lines = 0
        self._endpoints: dict[str, None] = {}
        self._models: dict[str, None] = {}
        self._references: list[Reference] = []
        self._seen: set[str] = set()

    def take(self, raw: bytes) -> bytes:
        """The next line, as it goes on: with the provider's own name of the model. Empty ones count and mean nothing.

        Raises InvalidRequest that names the line and its field.
        """
        self._number += 1
        number = self._number
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if not raw.strip():
            return b""
        if self._lines >= LINES_AT_MOST:
            raise InvalidRequest(f"A batch has at most {LINES_AT_MOST} lines.", details={"param": "file"})
        self._lines += 1
        line = _line(number, raw)
        _once(number, line, self._seen)
        url, body = _target(number, line)
        model = _text(number, body, "model", "body.model")
        body["model"] = _judged(f"line {number}, body.model", lambda: self._admit(url, model))
        self._endpoints[url] = self._models[model] = None
        found = references_in(Api.OPENAI, body)
        self._references += (
            Reference(each.kind, each.object_id, f"line {number}, body.{each.field}") for each in found
        )
        return _encode(line) + b"\n"

    def end(self) -> Admitted:
        """Raises InvalidRequest for a file without a line."""
        if not self._lines:
            raise InvalidRequest("A batch's file has at least one line.", details={"param": "file"})
        return Admitted(self._lines, tuple(self._endpoints), tuple(self._models), self._references)


def admit_requests(body: dict[str, Any], admit: Admit) -> Admitted:
    """Judges a body of Anthropic's, in place. Raises InvalidRequest that names the first wrong request."""
    requests = body.get("requests")
    if not isinstance(requests, list) or not requests:
        raise InvalidRequest("requests: an array of at least one request is expected.", details={"param": "requests"})
    items = cast("list[Any]", requests)
    if len(items) > LINES_AT_MOST:
        raise InvalidRequest(f"requests: at most {LINES_AT_MOST}.", details={"param": "requests"})
    models: dict[str, None] = {}
    references: list[Reference] = []
    for number, item in enumerate(items):
        place = f"requests.{number}"
        params: Any = cast("dict[str, Any]", item).get("params") if isinstance(item, dict) else None
        if not isinstance(params, dict):
            raise _wrong(f"{place}.params", "an object is expected")
        fields = cast("dict[str, Any]", params)
        model = fields.get("model")
        if not isinstance(model, str) or not model:
            raise _wrong(f"{place}.params.model", "the name of a model is expected")
        fields["model"] = _judged(f"{place}.params.model", lambda model=model: admit(MESSAGES, model))
        models[model] = None
        found = references_in(Api.ANTHROPIC, fields)
        references += (Reference(each.kind, each.object_id, f"{place}.params.{each.field}") for each in found)
    return Admitted(len(items), (MESSAGES,), tuple(models), references)


def _line(number: int, raw: bytes) -> dict[str, Any]:
    try:
        line = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(f"line {number}", f"this is no JSON ({str(error)[:120]})") from error
    if not isinstance(line, dict):
        raise _wrong(f"line {number}", "an object is expected")
    return cast("dict[str, Any]", line)


def _once(number: int, line: dict[str, Any], seen: set[str]) -> None:
    custom = _text(number, line, "custom_id", "custom_id")
    if custom in seen:
        raise _wrong(f"line {number}, custom_id", "the same stands in an earlier line")
    seen.add(custom)


def _target(number: int, line: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if line.get("method") != "POST":
        raise _wrong(f"line {number}, method", "it must be POST")
    url = _text(number, line, "url", "url")
    if url not in ADMISSIBLE:
        raise _wrong(f"line {number}, url", f"it must be one of {', '.join(ADMISSIBLE)}")
    body = line.get("body")
    if not isinstance(body, dict):
        raise _wrong(f"line {number}, body", "an object is expected")
    return url, cast("dict[str, Any]", body)


def _text(number: int, holder: dict[str, Any], name: str, place: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        raise _wrong(f"line {number}, {place}", "a text is expected")
    return value


def _judged(place: str, judge: Callable[[], str]) -> str:
    try:
        return judge()
    except TurnpikeError as error:
        raise _wrong(place, error.message) from error


def _wrong(place: str, words: str) -> InvalidRequest:
    return InvalidRequest(f"{place}: {words.rstrip('.')}.", details={"param": place})


# ---- what a batch used


class BatchState(msgspec.Struct, frozen=True):
    """What a batch's object says of itself."""

    ended: bool
    model: str | None
    """The provider's own name."""
    usage: Usage | None
    results: str | None
    """Id of the file (OpenAI), or path below the version (Anthropic), that has each line's usage."""


def read_state(api: Api, batch: dict[str, Any]) -> BatchState:
    if api is Api.ANTHROPIC:
        ended = batch.get("processing_status") == ANTHROPIC_ENDED
        return BatchState(ended, None, None, f"messages/batches/{batch.get('id')}/results" if ended else None)
    ended = batch.get("status") in OPENAI_ENDED
    model, output = batch.get("model"), batch.get("output_file_id")
    return BatchState(
        ended,
        model if isinstance(model, str) else None,
        usage_in(batch) if ended else None,
        f"files/{output}/content" if ended and isinstance(output, str) and output else None,
    )


class ResultsReader:
    """Sums the usage of a batch's results as they pass by, by the provider's name of the model."""

    def __init__(self) -> None:
        self.usages: dict[str, Usage] = {}
        self._partial = b""

    def feed(self, data: bytes) -> None:
        lines = (self._partial + data).split(b"\n")
        self._partial = lines.pop()
        for line in lines:
            self._take(line)

    def end(self) -> dict[str, Usage]:
        self._take(self._partial)
        self._partial = b""
        return self.usages

    def _take(self, raw: bytes) -> None:
        try:
            line = _decode(raw) if raw.strip() else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return  # a line that nobody can read counts for nothing
        answer = _answer_of(line)
        usage = usage_in(answer)
        if answer is None or usage is None:
            return
        model = answer.get("model")
        name = model if isinstance(model, str) else ""
        self.usages[name] = added(self.usages.get(name), usage)


def _answer_of(line: Any) -> dict[str, Any] | None:
    """The model's answer in a result: OpenAI's `response.body`, Anthropic's `result.message`."""
    for outer, inner in (("response", "body"), ("result", "message")):
        holder: Any = cast("dict[str, Any]", line).get(outer) if isinstance(line, dict) else None
        answer: Any = cast("dict[str, Any]", holder).get(inner) if isinstance(holder, dict) else None
        if isinstance(answer, dict):
            return cast("dict[str, Any]", answer)
    return None
