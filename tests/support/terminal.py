"""A program on a terminal of its own: what it writes, and what a person types."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvpe(sys.argv[1], sys.argv[1:], os.environ)
"""


class Terminal:
    def __init__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))

        # Between the new session and the program the terminal must become the session's own, or Ctrl-C reaches nobody.
        argv = (sys.executable, "-c", _TAKE_TERMINAL, *argv)
        self.process = subprocess.Popen(
            argv, stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=dict(env), start_new_session=True
        )
        os.close(theirs)
        self.text = ""

    def read_until(self, words: str, timeout_s: float = 30.0) -> str:
        """All that was written so far, once `words` are in it."""
        deadline = time.monotonic() + timeout_s
        while words not in self.text:
            left = deadline - time.monotonic()
            assert left > 0, f"not within {timeout_s} s: {words!r} in:\n{self.text}"
            if not self._read(left):
                assert words in self.text, f"it ended without {words!r}:\n{self.text}"
        return self.text

    def type(self, line: str) -> None:
        os.write(self._ours, line.encode() + b"\n")

    def press_ctrl_c(self) -> None:
        os.write(self._ours, b"\x03")

    def end(self, timeout_s: float = 20.0) -> int:
        """The exit code, with everything read."""
        deadline = time.monotonic() + timeout_s
        while self._read(max(0.0, deadline - time.monotonic())):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, timeout_s: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], timeout_s)
        if not ready:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # Linux: the other end was closed
            return False
        self.text += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        os.close(self._ours)
