"""One process and the two pipes to it (turnpike.contract.processes): how it is made, told and signalled.

The pipes and the waiting are our own, because asyncio's `wait` goes on until every process that inherited a pipe has
closed it: a grandchild would keep a dead child from being restarted.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence


class Process:
    """Starts at once. `stdout` is our end of its standard output."""

    def __init__(self, argv: Sequence[str], pass_fds: Sequence[int] = ()) -> None:
        """Raises OSError when there is no such program."""
        theirs_in, self._stdin = os.pipe()
        self.stdout, theirs_out = os.pipe()
        try:
            # A group of its own: Ctrl-C on the terminal reaches the supervisor alone, which then drains in order.
            options = {"stdin": theirs_in, "stdout": theirs_out, "pass_fds": pass_fds, "process_group": 0}
            self._popen = subprocess.Popen(argv, **options)  # noqa: S603 - the supervisor's own programs
        except BaseException:
            os.close(self._stdin)
            os.close(self.stdout)
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        self.pid = self._popen.pid

    def tell(self, settings_line: str) -> None:
        """Settings are far smaller than a pipe, so this does not wait. The pipe stays open: its end tells the child
        that we are gone."""
        with contextlib.suppress(BrokenPipeError):  # it died already; its exit code says why
            os.write(self._stdin, settings_line.encode() + b"\n")

    def signal(self, number: signal.Signals) -> None:
        """Nothing happens when it has ended."""
        self._popen.send_signal(number)

    def wait(self) -> int:
        """Blocks. Its exit code, negative for a signal."""
        return self._popen.wait()

    @property
    def ended(self) -> bool:
        return self._popen.poll() is not None

    def abandon(self) -> None:
        """Kills it and gives both pipes back."""
        self.signal(signal.SIGKILL)
        self.wait()
        self.close_stdin()
        os.close(self.stdout)

    def close_stdin(self) -> None:
        """Idempotent."""
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1
