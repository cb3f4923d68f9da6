"""One side of a realtime session reads the same messages however its bytes are cut, and nothing larger than it may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Ping, Pong

from tests.support.forms import cut
from turnpike.relay.realtime.ends import ABNORMAL, BROKEN, TOO_LARGE, End

LIMIT = 2000


class Heard:
    """A listener that writes down what it is told."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.signals: list[tuple[str, bytes]] = []
        self.closes: list[tuple[int, str]] = []

    def on_message(self, end: End, message: str | bytes) -> None:
        self.messages.append(message)

    def on_signal(self, end: End, signal: Ping | Pong) -> None:
        self.signals.append((type(signal).__name__, bytes(signal.payload)))

    def on_close(self, end: End, code: int, reason: str) -> None:
        self.closes.append((code, reason))

    def on_full(self, end: End) -> None: ...

    def on_room(self, end: End) -> None: ...


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    """As a client sends it."""
    return Frame(opcode, data, fin).serialize(mask=True, extensions=[])


def server_end(limit: int = LIMIT) -> tuple[End, Heard]:
    socket = WSConnection(ConnectionType.SERVER)
    socket.initiate_upgrade_connection(
        [(b"host", b"x"), (b"upgrade", b"websocket"), (b"connection", b"upgrade"), (b"sec-websocket-version", b"13"),
         (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")],
        "/",
    )  # fmt: skip
    list(socket.events())
    socket.send(AcceptConnection())
    end, heard = End(socket, limit), Heard()
    end.listener = heard
    return end, heard


texts = st.text(max_size=200)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[str | bytes], list[bytes]]:
    """Bytes of a client, the messages in them, the payloads of its pings. Messages come whole or in fragments, with
    pings in between."""
    raw, messages, pings = b"", [], []
    for _ in range(draw(st.integers(0, 6))):
        binary = draw(st.booleans())
        message: str | bytes = draw(st.binary(max_size=200)) if binary else draw(texts)
        data = message if isinstance(message, bytes) else message.encode()
        pieces = cut(data, draw(st.lists(st.integers(0, 200), max_size=3)))
        for place, piece in enumerate(pieces):
            opcode = Opcode.CONT if place else Opcode.BINARY if binary else Opcode.TEXT
            raw += frame(opcode, piece, fin=place == len(pieces) - 1)
            if draw(st.booleans()):
                pings.append(draw(st.binary(max_size=20)))
                raw += frame(Opcode.PING, pings[-1])
        messages.append(message)
    return raw, messages, pings


@given(conversation=conversations(), places=st.lists(st.integers(0, 3000), max_size=30))
def test_messages_cut_anywhere_are_the_same(
    conversation: tuple[bytes, list[str | bytes], list[bytes]], places: list[int]
) -> None:
    raw, messages, pings = conversation
    end, heard = server_end()
    for piece in cut(raw, places):
        end.data_received(piece)

    assert heard.messages == messages
    assert heard.signals == [("Ping", payload) for payload in pings]
    assert not heard.closes


@pytest.mark.parametrize("fragments", [1, 5])
def test_a_message_over_the_limit_ends_the_session(fragments: int) -> None:
    end, heard = server_end()
    data = b"x" * (LIMIT // fragments + 1)
    for place in range(fragments):
        end.data_received(frame(Opcode.CONT if place else Opcode.TEXT, data, fin=place == fragments - 1))

    assert [code for code, _ in heard.closes] == [TOO_LARGE]
    assert not heard.messages


def test_a_message_is_not_kept_beyond_the_limit_before_its_end_comes() -> None:
    end, heard = server_end()
    whole = frame(Opcode.TEXT, b"x" * (LIMIT * 10))
    end.data_received(whole[: LIMIT * 2])

    assert [code for code, _ in heard.closes] == [TOO_LARGE]


@pytest.mark.parametrize(
    "raw",
    [
        Frame(Opcode.TEXT, b"not masked").serialize(mask=False, extensions=[]),
        frame(Opcode.TEXT, b"\xff\xfe"),
        frame(Opcode.CONT, b"of nothing"),
        b"\x09\x80\x00\x00\x00\x00",
        b"\xf1\x80\x00\x00\x00\x00",
    ],
    ids=["not masked", "not UTF-8", "a part of nothing", "a ping in parts", "reserved bits"],
)
def test_what_is_no_websocket_ends_the_session(raw: bytes) -> None:
    end, heard = server_end()
    end.data_received(raw)

    assert len(heard.closes) == 1
    assert heard.closes[0][0] in {BROKEN, 1007}


def test_a_close_is_told_once_with_its_words() -> None:
    end, heard = server_end()
    end.data_received(frame(Opcode.CLOSE, Close(4001, "that was all").serialize()))
    end.connection_lost(None)

    assert heard.closes == [(4001, "that was all")]


def test_a_lost_connection_is_told() -> None:
    end, heard = server_end()
    end.connection_lost(ConnectionResetError())

    assert heard.closes == [(ABNORMAL, "")]
