"""What goes wrong at vendors, by class: `error=KIND` among the faults answers as the vendor itself would.

A vendor with words of its own has them as `troubles`; what it does not name, and vendors without any, are answered
with the plain form here, whose status says what happened.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol, runtime_checkable

from turnpike.simulator.exchange import Refused, Vendor


class Trouble(StrEnum):
    BAD_KEY = "bad-key"
    PERMISSION = "permission"
    QUOTA = "quota"
    """The account has no money left."""
    RATE_LIMIT = "rate-limit"
    CONTEXT = "context"
    """The prompt is longer than the model's context."""
    REFUSED = "refused"
    """A content filter refuses the prompt."""
    OVERLOADED = "overloaded"
    NOT_FOUND = "not-found"
    INTERNAL = "internal"


@runtime_checkable
class Troubled(Protocol):
    """A vendor that has its own words for some of them."""

    @property
    def troubles(self) -> Mapping[Trouble, Refused]: ...


PLAIN: dict[Trouble, Refused] = {
    Trouble.BAD_KEY: Refused("The simulator was asked to refuse this key.", status=401),
    Trouble.PERMISSION: Refused("The simulator was asked to say that this key may not do that.", status=403),
    Trouble.QUOTA: Refused("The simulator was asked to say that the quota is used up: see your billing.", status=429),
    Trouble.RATE_LIMIT: Refused("The simulator was asked to say: too many requests.", status=429),
    Trouble.CONTEXT: Refused("The prompt is longer than the model's maximum context length.", status=400),
    Trouble.REFUSED: Refused("The prompt was refused by the content filtering policy.", status=400),
    Trouble.OVERLOADED: Refused("The model is overloaded. Please try again later.", status=503),
    Trouble.NOT_FOUND: Refused("The simulator was asked to say that there is no such model.", status=404),
    Trouble.INTERNAL: Refused("The simulator was asked to fail.", status=500),
}


def refusal_of(vendor: Vendor, kind: str) -> Refused:
    """`kind` is one of Trouble's values."""
    trouble = Trouble(kind)
    own = vendor.troubles.get(trouble) if isinstance(vendor, Troubled) else None
    return own or PLAIN[trouble]
