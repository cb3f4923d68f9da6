"""Routes and residency policies, as they are in the snapshot: where requests for a name may go, and in which order.

A route is a name that callers use like a model's. Its rules are read from the first on; the first whose conditions a
request meets says where that request goes. turnpike.contract.routing reads them, for relays and for explanations
alike.
"""

from enum import StrEnum

import msgspec


class Strategy(StrEnum):
    """How one of several deployments of a group is chosen."""

    WEIGHTED = "weighted"
    """In turn, each as often as its weight says."""
    ROUND_ROBIN = "round_robin"
    """In turn, all alike."""
    EWMA = "ewma"
    """The better of two at random, by recent latency, load and health (peak-EWMA, power of two choices)."""
    LEAST_BUSY = "least_busy"
    """The one with the fewest calls in hand for its weight."""
    LOWEST_LATENCY = "lowest_latency"
    """The one that has answered fastest of late."""
    LOWEST_COST = "lowest_cost"
    """The cheapest one; in turn among those that cost the same."""
    STICKY = "sticky"
    """Always the same one for the same session, user or beginning of a prompt."""


class StickyBy(StrEnum):
    SESSION = "session"
    """The header `x-turnpike-session`; a caller without one is told by its user."""
    USER = "user"
    PROMPT_PREFIX = "prompt_prefix"
    """The first message or instruction, so that a provider's prompt cache is met again."""


class Need(StrEnum):
    """What a request asks of a model, as far as its bytes tell at a glance."""

    TOOLS = "tools"
    VISION = "vision"
    AUDIO = "audio"
    JSON = "json"
    STREAMING = "streaming"


class Member(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One of the two names is given: a deployment's id, or a model's name for all of its deployments."""

    model: str | None = None
    deployment: str | None = None
    weight: int | None = None
    """Of each of its deployments; None: what the catalog says."""


class Conditions(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that are given must hold; an empty one says nothing."""

    tags: tuple[str, ...] = ()
    """The request bears one of them."""
    tiers: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    """Ids."""
    users: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    """turnpike.wire.operations.Operation values."""
    needs: tuple[Need, ...] = ()
    """The request needs all of these."""
    min_input_tokens: int | None = None
    """Estimated from the body's bytes."""
    max_input_tokens: int | None = None


class Rollout(msgspec.Struct, frozen=True, omit_defaults=True):
    """A share of the callers is sent somewhere else first; who belongs to it stays the same."""

    to: Member
    percent: float
    by: str = "user"
    """`user` or `key`."""


class Mirror(msgspec.Struct, frozen=True, omit_defaults=True):
    """A share of the requests is sent a second time; that answer is thrown away."""

    to: Member
    percent: float


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    groups: tuple[tuple[Member, ...], ...]
    """In the order of trying: a later one is for when all of an earlier one fail or rest."""
    when: Conditions = Conditions()
    strategy: Strategy = Strategy.WEIGHTED
    sticky_by: StickyBy = StickyBy.SESSION
    regions: tuple[str, ...] = ()
    """Only deployments there, `*` as wildcard; empty: anywhere."""
    fallbacks: tuple[str, ...] = ()
    """Other models, tried in this order when no deployment of the groups answers."""
    rollout: Rollout | None = None
    mirror: Mirror | None = None


class RouteSpec(msgspec.Struct, frozen=True):
    name: str
    """Goes before a model of the same name."""
    rules: tuple[Rule, ...]
    version: int = 1


class ResidencySpec(msgspec.Struct, frozen=True):
    """Where data may go. It holds for requests of any of its departments, keys or tags, and for all where it names
    none. Of several that hold for a request each must allow a region."""

    id: str
    name: str
    regions: tuple[str, ...]
    """`eu-west-1`, `eu-*`. A deployment without a region is nowhere."""
    departments: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
