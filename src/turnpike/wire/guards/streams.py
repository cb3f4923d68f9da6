"""A stream on its way through rules: its texts are put together over its events, and go on in events like those."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

from turnpike.wire.guards.deltas import READERS, Channel, Members, Piece
from turnpike.wire.guards.filter import Blocked, Finds, whole
from turnpike.wire.guards.frames import Frame, Frames
from turnpike.wire.guards.jsontext import JsonFilter, TextFilter
from turnpike.wire.guards.placeholders import Vault
from turnpike.wire.guards.rules import Rules
from turnpike.wire.guards.shapes import shape_of
from turnpike.wire.guards.walk import Walk

_NUMBERED = "sequence_number"
_ENDED = b"[DONE]"


class UnknownForm(Exception):
    """An event whose texts may go on in the next one, and nobody knows where they stand in it."""


class Held:
    """One text of a stream."""

    __slots__ = ("filter", "frame", "piece")

    def __init__(self, made: TextFilter | JsonFilter) -> None:
        self.filter = made
        self.frame: Frame | None = None
        self.piece: Piece | None = None


class GuardedStream:
    """Bytes of a stream in the caller's form in, bytes of the same form out."""

    def __init__(
        self, dialect: str, frames: Frames, rules: Rules, finds: Finds, vault: Vault, *, strict: bool = False
    ) -> None:
        """`strict`: events of a form that nobody knows are not let through."""
        self._read = READERS.get(dialect)
        self._shape = shape_of(dialect)
        self._frames = frames
        self._made: Callable[[bool], TextFilter | JsonFilter] = lambda is_json: (JsonFilter if is_json else TextFilter)(
            rules, finds, vault
        )
        self._strict = strict
        self._rules = rules
        self._finds = finds
        self._vault = vault
        self._texts: dict[Channel, Held] = {}
        self._added = self._number = 0
        """Events that were added, and the number of the last one, where a form numbers them."""
        self.blocked: Blocked | None = None

    def feed(self, data: bytes) -> bytes:
        """Raises UpstreamGarbage, TooHard, TooDeep, UnknownForm. After a block `blocked` is set."""
        out: list[bytes] = []
        for frame in self._frames.read(data):
            if self.blocked is not None:
                break
            self._take(frame, out)
        return b"".join(out)

    def end(self) -> bytes:
        """What is left when the provider has ended."""
        out: list[bytes] = []
        if self.blocked is None:
            self._flush((), out)
        if self.blocked is None:
            out.append(self._frames.end())
        return b"".join(out)

    # ---- inside

    def _take(self, frame: Frame, out: list[bytes]) -> None:
        event = frame.event
        if event is None:
            if frame.raw.strip() == _ENDED:
                self._flush((), out)
            else:
                frame = Frame(None, frame.name, self._whole_text(frame.raw.decode("utf-8", "replace")).encode())
            if self.blocked is None:
                out.append(self._frames.write(frame))
            return
        seen = self._read(event) if self._read is not None else None
        if seen is None and self._read is not None and self._strict:
            raise UnknownForm
        pieces = seen.pieces if seen is not None else []
        ends = seen.ends if seen is not None else []
        mine = {piece.channel for piece in pieces}
        for end in ends:
            if self.blocked is None:
                self._flush(end, out, without=mine)
        if self.blocked is None:
            self._pieces(frame, pieces, ends, out)
        if self.blocked is None:
            self._write(frame, pieces, out)

    def _pieces(self, frame: Frame, pieces: list[Piece], ends: list[Channel], out: list[bytes]) -> None:
        """Puts what goes on now where the pieces stood."""
        for piece in pieces:
            held = self._texts.get(piece.channel)
            if held is None:
                held = self._texts[piece.channel] = Held(self._made(piece.is_json))
            final = any(piece.channel[: len(end)] == end for end in ends)
            try:
                text = held.filter.feed(piece.holder[piece.key], final=final)
            except Blocked as error:
                self.blocked = error
                if error.before:
                    self._again(frame, piece, error.before, out)
                return
            piece.holder[piece.key] = text
            if final:
                self._texts.pop(piece.channel, None)
            else:
                held.frame, held.piece = frame, piece

    def _write(self, frame: Frame, pieces: list[Piece], out: list[bytes]) -> None:
        """What stands beside the pieces is looked at as whole texts."""
        kept = [(piece.holder, piece.key, piece.holder.pop(piece.key)) for piece in pieces]
        try:
            Walk(self._shape, self._whole_text, self._whole_json).through(frame.event)
        except Blocked as error:
            self.blocked = error
            return
        finally:
            for holder, key, text in kept:
                holder[key] = text
        self._emit(frame, out)

    def _emit(self, frame: Frame, out: list[bytes]) -> None:
        event = frame.event
        if event is not None and isinstance(event.get(_NUMBERED), int):
            self._number = event[_NUMBERED] = event[_NUMBERED] + self._added
        out.append(self._frames.write(frame))

    def _flush(self, end: Channel, out: list[bytes], without: "set[Channel] | None" = None) -> None:
        """Texts whose channel begins so are over: what is left of them goes on in an event like their last one."""
        for channel in [each for each in self._texts if each[: len(end)] == end and each not in (without or ())]:
            held = self._texts.pop(channel)
            try:
                text = held.filter.feed("", final=True)
            except Blocked as error:
                self.blocked = error
                text = error.before
            if text and held.frame is not None and held.piece is not None:
                self._again(held.frame, held.piece, text, out)
            if self.blocked is not None:
                return

    def _again(self, frame: Frame, piece: Piece, text: str, out: list[bytes]) -> None:
        event = deepcopy(frame.event)
        assert event is not None
        assert self._read is not None
        for other in _pieces_of(event, self._read):
            other.holder[other.key] = text if other.channel == piece.channel else ""
        _strip(event)
        if isinstance(event.get(_NUMBERED), int):
            self._added += 1
            self._number += 1
            event[_NUMBERED] = self._number
        out.append(self._frames.write(frame._replace(event=event)))

    def _whole_text(self, text: str) -> str:
        return self._vault.restore(whole(self._rules, text, self._finds, self._vault))

    def _whole_json(self, text: str) -> str:
        return JsonFilter(self._rules, self._finds, self._vault).feed(text, final=True)


def _pieces_of(event: Members, read: Any) -> list[Piece]:
    seen = read(event) if read is not None else None
    return seen.pieces if seen is not None else []


def _strip(event: Members) -> None:
    """Of the event that is made again: that its text ends, and what is told once only."""
    for choice in event.get("choices", ()):
        if isinstance(choice, dict):
            choice["finish_reason"] = None
    for candidate in event.get("candidates", ()):
        if isinstance(candidate, dict):
            cast("Members", candidate).pop("finishReason", None)
    event.pop("logprobs", None)
