"""Guards, compiled for one side of a conversation: who watches, who changes, and what is left alone."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from turnpike.errors import InvalidRequest
from turnpike.wire.guards.detectors import detectors_for
from turnpike.wire.guards.engine import Detector, re2
from turnpike.wire.guards.spec import GuardSpec

_CHANGES = ("mask", "restore")
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class Source(NamedTuple):
    """Where a guard stands, as decisions tell it."""

    policy_id: str
    policy: str
    guard: str
    action: str


class Rule(NamedTuple):
    source: Source
    detector: Detector
    replacement: bytes | None
    place: int = 0
    """In the order of the policies: of two that find the same the earlier one counts."""


class Rules:
    """All guards that work on the text itself, of all policies of a caller, for one side."""

    __slots__ = ("allowed", "block_groups", "blockers", "change_groups", "changers", "flaggers")

    def __init__(self, guards: Iterable[tuple[str, str, GuardSpec]], side: str) -> None:
        """`guards`: policy id, policy name, guard. Raises InvalidRequest for a guard that cannot be compiled."""
        self.blockers: list[Rule] = []
        self.flaggers: list[Rule] = []
        self.changers: list[Rule] = []
        self.allowed: list[Detector] = []
        for policy_id, policy, guard in guards:
            if guard.on in (side, "both") and guard.kind in ("pii", "terms", "patterns"):
                self._take(Source(policy_id, policy, guard.name, guard.action), guard)
        self.block_groups = _grouped(self.blockers)
        self.change_groups = _grouped(self.changers)

    def _take(self, source: Source, guard: GuardSpec) -> None:
        detectors = detectors_of(guard)
        if guard.action == "allow":
            self.allowed += detectors
            return
        replacement = None if guard.replacement is None else guard.replacement.encode()
        first = len(self.blockers) + len(self.changers)
        made = [Rule(source, each, replacement, first + place) for place, each in enumerate(detectors)]
        if guard.action == "block":
            self.blockers += made
        elif guard.action in _CHANGES:
            self.changers += made
        else:
            self.flaggers += made

    @property
    def any(self) -> bool:
        return bool(self.blockers or self.flaggers or self.changers)

    def allows(self, value: bytes) -> bool:
        return any(detector.is_whole(value) for detector in self.allowed)


Groups = list[tuple[Callable[[bytes], Any] | None, list[Rule]]]
"""Rules that share a quick look at a text."""


def _grouped(rules: list[Rule]) -> Groups:
    groups: dict[Callable[[bytes], Any] | None, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(rule.detector.needs, []).append(rule)
    return list(groups.items())


def detectors_of(guard: GuardSpec) -> tuple[Detector, ...]:
    """Raises InvalidRequest, naming what is wrong."""
    if guard.kind == "pii":
        return detectors_for(guard.detect)
    if guard.kind == "terms":
        return (Detector("term", _terms(guard.terms)),)
    return tuple(Detector("pattern", _checked(pattern)) for pattern in guard.patterns)


def _checked(pattern: str) -> str:
    """Raises InvalidRequest for a pattern that finds the empty text everywhere."""
    if Detector("pattern", f"(?:{pattern})").is_whole(b"") or re2.compile(f"(?:{pattern})").fullmatch(""):
        raise InvalidRequest(f"patterns: {pattern[:100]!r} also matches nothing at all.", details={"param": "patterns"})
    return pattern


def _terms(terms: tuple[str, ...]) -> str:
    """One pattern: whole words where a term begins or ends with a word's character, any space for a space."""
    if not terms or not all(term.strip() for term in terms):
        raise InvalidRequest("terms: a list of words or phrases is needed.", details={"param": "terms"})
    written: list[str] = []
    for term in sorted(terms, key=len, reverse=True):
        words: list[str] = [re2.escape(word) for word in term.split()]
        before = r"\b" if term.strip()[0] in _WORD else ""
        after = r"\b" if term.strip()[-1] in _WORD else ""
        written.append(before + r"\s{1,8}".join(words) + after)
    return "(?i)(?:" + "|".join(written) + ")"
