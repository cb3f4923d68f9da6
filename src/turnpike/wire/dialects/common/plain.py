"""What dialects of operations that never stream answer where a stream is asked for."""

from typing import NoReturn

from turnpike.errors import UnsupportedOperation
from turnpike.wire.dialect import Head, StreamReader, StreamWriter, Tail
from turnpike.wire.dialects.common.watching import Watch


class _Silent(Watch):
    """Passes bytes on and learns nothing from them."""

    def feed(self, data: bytes) -> bytes:
        self.output_bytes += len(data)
        return data

    def end(self) -> bytes:
        self.finished = True
        return b""


class NeverStreams:
    """Mixed into a dialect whose answers are always whole."""

    name = ""

    def tail(self, head: Head) -> Tail:
        return _Silent()

    def reader(self) -> StreamReader:
        self._refuse()

    def writer(self, head: Head, model: str) -> StreamWriter:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UnsupportedOperation(f"Answers of the form {self.name} are not streamed.")
