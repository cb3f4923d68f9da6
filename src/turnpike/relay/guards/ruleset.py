"""The policies of a caller as one set of rules."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from turnpike.contract.policies import BoundsSpec, GuardSpec, PolicySpec
from turnpike.wire.guards.injection import THRESHOLD
from turnpike.wire.guards.rules import Rules, Source


class Scored(NamedTuple):
    source: Source
    threshold: float


class Asked(NamedTuple):
    """A guard for which somebody else is asked."""

    source: Source
    guard: GuardSpec
    fail_closed: bool


class Bounded(NamedTuple):
    source: Source
    bounds: BoundsSpec


class Ruleset:
    """Compiled. Raises InvalidRequest for a guard that cannot be, which control does not let into a snapshot."""

    def __init__(self, policies: Sequence[PolicySpec]) -> None:
        self.digest = blake2b(msgspec.msgpack.encode(policies), digest_size=32).digest()
        """The same for the same policies."""
        guards = [(policy.id, policy.name, guard) for policy in policies for guard in policy.guards]
        self.prompt = Rules(guards, "prompt")
        self.answer = Rules(guards, "answer")
        self.bounds = tuple(
            Bounded(Source(policy.id, policy.name, "bounds", "block"), policy.bounds)
            for policy in policies
            if policy.bounds is not None
        )
        self.injections = tuple(
            Scored(source, THRESHOLD if guard.threshold is None else guard.threshold)
            for source, guard, _ in _of_kind(policies, "injection")
        )
        self.names = tuple(Asked(*each) for each in _of_kind(policies, "names"))
        self.moderations = tuple(Asked(*each) for each in _of_kind(policies, "moderation"))
        self.media = _first(policies, (policy.enforces and policy.media == "block" for policy in policies))
        """Who refuses what cannot be read; None: nobody."""
        self.closed = _first(policies, (policy.enforces and policy.fail_closed for policy in policies))
        """Who refuses what could not be looked at; None: nobody."""
        self.closed_answers = _first(policies, (policy.fail_closed and _watches_answers(policy) for policy in policies))

    @property
    def reads_prompts(self) -> bool:
        return self.prompt.any or bool(self.bounds or self.injections or self.asks)

    @property
    def asks(self) -> bool:
        """Somebody else is asked about prompts."""
        return bool(self.names or self.moderations)


def _watches_answers(policy: PolicySpec) -> bool:
    return any(guard.on != "prompt" and guard.action in ("mask", "block") for guard in policy.guards)


def _first(policies: Sequence[PolicySpec], wanted: Iterable[bool]) -> Source | None:
    for policy, is_wanted in zip(policies, wanted, strict=True):
        if is_wanted:
            return Source(policy.id, policy.name, "unchecked", "block")
    return None


def _of_kind(policies: Sequence[PolicySpec], kind: str) -> list[tuple[Source, GuardSpec, bool]]:
    return [
        (Source(policy.id, policy.name, guard.name, guard.action), guard, policy.fail_closed)
        for policy in policies
        for guard in policy.guards
        if guard.kind == kind
    ]
