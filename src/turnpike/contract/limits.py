"""Rules of what may be used in a time or at once, and the counters that they count by.

A rule names a subject, a resource, an amount and a window. Control compiles them: those of a key or its owner ride on
the key's grant, those of a provider or deployment on their specs, all others in the snapshot. A relay and control
name a counter alike, so that an administrator reads and resets what relays count.
"""

from enum import StrEnum
from hashlib import blake2b

import msgspec

LENT_SECONDS_TO_MS = 1000
SCOPE_CHARS = 80
"""A counter's name is a column of the database."""
ANY = "*"


class Subject(StrEnum):
    TIER = "tier"
    KEY = "key"
    USER = "user"
    DEPARTMENT = "department"
    MODEL = "model"
    """A pattern: all models that match it share one counter."""
    PROVIDER = "provider"
    DEPLOYMENT = "deployment"
    OPERATION = "operation"
    """What is done (`chat`), or an endpoint's path (`/v1/chat/completions`)."""
    GATEWAY = "gateway"
    IP = "ip"
    """A network, or `*`; each address in it has its own counter."""


class Resource(StrEnum):
    REQUESTS = "requests"
    TOKENS = "tokens"
    IMAGES = "images"
    AUDIO_SECONDS = "audio_seconds"
    CONCURRENCY = "concurrency"
    """Calls at once; it has no window."""


class LimitRule(msgspec.Struct, frozen=True, gc=False):
    """At most `amount` (and `burst` beyond it) of `resource` in each window of `window_s` seconds."""

    id: str
    subject: str
    name: str
    """Of the tier, or the id of the key, user, department, provider or deployment, a pattern, a network; empty for the
    gateway."""
    resource: str
    amount: int
    window_s: int = 0
    """0 for `concurrency`."""
    burst: int = 0
    open: bool = False
    """Goes on where the truth cannot be asked, instead of refusing."""
    model: str = ""
    """Counts calls for models of this pattern alone."""
    operation: str = ""
    """Counts calls of this operation or endpoint alone."""
    estimate: bool = False
    """Of tokens: takes what a call is likely to use when it is admitted, not the most that it can use."""

    @property
    def limit(self) -> int:
        return self.amount + self.burst

    @property
    def length_ms(self) -> int:
        return self.window_s * LENT_SECONDS_TO_MS

    @property
    def counts(self) -> tuple[str, int, str, str]:
        """What two rules have in common of which one replaces the other."""
        return self.resource, self.window_s, self.model, self.operation


def scope_of(rule: LimitRule, instance: str) -> str:
    """The name of the counter that a rule has for one key, user, address ... At most 80 characters.

    A tier's rule counts for each key, by the counter that a rule of the key itself has: raising a key's limit does not
    forget what it has used.
    """
    kind = Subject.KEY if rule.subject == Subject.TIER else rule.subject
    scope = f"{kind}:{instance}" if instance else kind
    if rule.model or rule.operation:
        scope += "#" + _digest(f"{rule.model}\n{rule.operation}")
    if len(scope) > SCOPE_CHARS:
        scope = f"{kind}:~{_digest(scope)}"
    return scope


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
