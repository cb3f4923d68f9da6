"""Who sees an answer before its caller does: guards that change or refuse it, the cache that keeps it.

An outlet is left with a call by a gate (`call.outlets`). Calls without one pay a look at an empty tuple. An answer that
an outlet wants to see as text takes the same way as any other: it is in the caller's dialect by then.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from turnpike.relay.attempt import Attempt
    from turnpike.relay.stream import Lane


class Outlet(Protocol):
    @property
    def rules(self) -> bytes | None:
        """A digest of the rules that it goes by, if what it does to an answer follows from them and the answer alone;
        None: it follows from the call as well."""
        ...

    @property
    def touched(self) -> bool:
        """Whether it found, changed or held back anything of this answer."""
        ...

    def whole(self, attempt: "Attempt", body: bytes, /) -> bytes | None:
        """A whole answer in the caller's dialect: what goes on of it. None: nothing yet; the outlet calls
        `call.deliver` or `call.failed` later. Raises nothing."""
        ...

    def lane(self, attempt: "Attempt", lane: "Lane", /) -> "Lane":
        """How a streamed answer passes: `lane`, or one around it, whose `feed` and `end` give what goes on."""
        ...
