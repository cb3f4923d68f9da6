"""A policy tried on a text or a whole request: what each guard finds, and what would go on. Nothing is kept."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from turnpike.errors import InvalidRequest
from turnpike.wire.guards import injection
from turnpike.wire.guards.bounds import check
from turnpike.wire.guards.engine import TooHard
from turnpike.wire.guards.filter import Blocked, Finds, Span, whole
from turnpike.wire.guards.jsontext import JsonFilter
from turnpike.wire.guards.placeholders import Vault
from turnpike.wire.guards.rules import Rules, Source, detectors_of
from turnpike.wire.guards.shapes import shape_of
from turnpike.wire.guards.spec import ACTIONS, KINDS, SIDES, BoundsSpec, GuardSpec
from turnpike.wire.guards.walk import TooDeep, Walk


class Find(NamedTuple):
    policy: str
    guard: str
    kind: str
    action: str
    text: int
    """Which text of the request, from 1."""
    start: int
    end: int
    """In characters of that text; 0 and 0 where the whole is meant."""


class Tried(NamedTuple):
    goes_on: Any
    """The text or request as it would go on; None: refused."""
    refused_by: Find | None
    finds: list[Find]
    not_asked: list[str]
    """Guards that need another program, which is not asked here."""


Policies = Sequence[tuple[str, Sequence[GuardSpec], BoundsSpec | None]]
"""Name, guards, bounds."""


class Trial:
    def __init__(self, policies: Policies, dialect: str, side: str) -> None:
        """Raises InvalidRequest for guards that cannot be compiled."""
        named = [(name, name, guard) for name, guards, _ in policies for guard in guards]
        self._rules = Rules(named, side)
        self._bounds = [(name, bounds) for name, _, bounds in policies if bounds is not None and side == "prompt"]
        here = [(name, guard) for name, _, guard in named if side == "prompt" and guard.on in ("prompt", "both")]
        self._injections = [each for each in here if each[1].kind == "injection"]
        self._asked = [guard.name for _, guard in here if guard.kind in ("moderation", "names")]
        self._dialect = dialect
        self._vault = Vault()
        self._finds: list[Find] = []
        self._number = 0

    def text(self, text: str) -> Tried:
        self._vault.reserve(text)
        return self._ended(lambda: self._one(text))

    def request(self, body: dict[str, Any], size: int) -> Tried:
        """Changes `body` in place."""
        for name, limits in self._bounds:
            excess, changed = check(limits, self._dialect, body, size)
            if excess is not None:
                find = Find(name, "bounds", excess.parameter, "block", 0, 0, 0)
                return Tried(None, find, [find], self._asked)
            if changed:
                self._finds.append(Find(name, "bounds", "parameter", "clamp", 0, 0, 0))
        Walk(shape_of(self._dialect), self._reserve, self._reserve).through(body)
        return self._ended(lambda: Walk(shape_of(self._dialect), self._one, self._json).through(body))

    def _ended(self, look: Any) -> Tried:
        try:
            return Tried(look(), None, self._finds, self._asked)
        except (Blocked, TooHard, TooDeep):
            return Tried(None, self._finds[-1] if self._finds else None, self._finds, self._asked)

    def _reserve(self, text: str) -> str:
        self._vault.reserve(text)
        return text

    def _one(self, text: str) -> str:
        self._number += 1
        self._score(text)
        spans: list[Span] = []
        try:
            return whole(self._rules, text, Finds(), self._vault, spans)
        finally:
            raw = text.encode("utf-8", "surrogatepass")
            for source, kind, low, high in sorted(spans, key=lambda span: (span[0].action == "block", span[2])):
                start, end = (len(raw[:at].decode("utf-8", "replace")) for at in (low, high))
                self._finds.append(Find(source.policy, source.guard, kind, source.action, self._number, start, end))

    def _json(self, text: str) -> str:
        self._number += 1
        self._score(text)
        finds = Finds()
        try:
            return JsonFilter(self._rules, finds, self._vault).feed(text, final=True)
        finally:
            self._finds += [
                Find(source.policy, source.guard, kind, source.action, self._number, 0, 0) for source, kind in finds
            ]

    def _score(self, text: str) -> None:
        if not self._injections:
            return
        score = injection.score(text)
        for policy, guard in self._injections:
            if score >= (injection.THRESHOLD if guard.threshold is None else guard.threshold):
                self._finds.append(Find(policy, guard.name, "injection", guard.action, self._number, 0, 0))
                if guard.action == "block":
                    raise Blocked(Source(policy, policy, guard.name, guard.action), "injection")


_ACTIONS_OF = {"injection": ("flag", "block"), "moderation": ("flag", "block"), "names": ACTIONS[1:]}
_ON_PROMPTS = ("injection", "moderation", "names")


def check_guard(guard: GuardSpec) -> None:
    """Raises InvalidRequest, naming what is wrong and what would be right."""
    where = f"guard {guard.name!r}"
    for value, known, what in ((guard.kind, KINDS, "kind"), (guard.action, ACTIONS, "action"), (guard.on, SIDES, "on")):
        if value not in known:
            raise _wrong(f"{where}: `{what}` is {value[:40]!r}; it must be one of {', '.join(known)}")
    actions = _ACTIONS_OF.get(guard.kind, ACTIONS)
    if guard.action not in actions:
        raise _wrong(f"{where}: a guard of the kind {guard.kind} can only {' or '.join(actions)}")
    if guard.kind in _ON_PROMPTS and guard.on != "prompt":
        raise _wrong(f"{where}: a guard of the kind {guard.kind} works on prompts alone: say `on: prompt`")
    if guard.action == "restore" and guard.on != "prompt":
        raise _wrong(f"{where}: `restore` takes out of prompts and puts back into answers: say `on: prompt`")
    if guard.kind == "moderation" and not guard.model:
        raise _wrong(f"{where}: `model` is missing: the moderation model to ask")
    if guard.kind == "patterns" and not guard.patterns:
        raise _wrong(f"{where}: `patterns` is empty")
    if guard.kind in ("pii", "terms", "patterns"):
        detectors_of(guard)


def _wrong(message: str) -> InvalidRequest:
    return InvalidRequest(message + ".", details={"param": "guards"})
