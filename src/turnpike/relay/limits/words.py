"""How limits are told to callers: the headers of governed answers, and the errors of refusals.

`x-ratelimit-*` as OpenAI sends them, `anthropic-ratelimit-*` to callers of Anthropic's API, and the fields of the draft
draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy` lists all windows, `RateLimit` the tightest one.
"""

from math import ceil
from typing import TYPE_CHECKING

from turnpike.contract.limits import Resource, Subject
from turnpike.errors import RateLimited, TurnpikeError, Unavailable
from turnpike.kit.clock import from_ms, rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnpike.contract.limits import LimitRule
    from turnpike.relay.limits.meters import Meter

NEVER_AGAIN = b"x-should-retry: false\r\n"
"""What the vendors' SDKs heed: trying the same again is of no use."""
_PENDING_RETRY_S = 2
_SPANS = {1: "second", 60: "minute", 3600: "hour", 86400: "day", 604800: "week"}
_NAMES = {Resource.AUDIO_SECONDS: "seconds of audio", Resource.CONCURRENCY: "requests at once"}
_SUBJECTS = {
    Subject.TIER: "of the tier '{}'",
    Subject.KEY: "of this API key",
    Subject.USER: "of this user",
    Subject.DEPARTMENT: "of this department",
    Subject.MODEL: "of the model '{}'",
    Subject.PROVIDER: "of this provider",
    Subject.DEPLOYMENT: "of this deployment",
    Subject.OPERATION: "of the operation '{}'",
    Subject.GATEWAY: "of the whole gateway",
    Subject.IP: "of your address",
}


def policy_line(meters: "Sequence[Meter]") -> bytes:
    """The `RateLimit-Policy` field; windows alone can be said in it."""
    parts = [f'"{_policy(meter.rule)}";q={meter.rule.limit};w={meter.rule.window_s}' for meter in meters]
    return f"ratelimit-policy: {', '.join(parts)}\r\n".encode() if parts else b""


def _policy(rule: "LimitRule") -> str:
    return f"{rule.subject}-{rule.resource}-{rule.window_s}"


class Face:
    """The constant parts of one meter's header lines, for one API."""

    __slots__ = (
        "_before", "_behind", "_between", "_end", "_ends", "_is_binding", "_limit", "_made_until", "_meter", "_policy",
        "_stamped",
    )  # fmt: skip

    def __init__(self, meter: "Meter", *, anthropic: bool, binding: bool) -> None:
        """`binding`: the `RateLimit` field speaks of this one."""
        what = meter.rule.resource
        self._meter = meter
        self._limit = meter.rule.limit
        self._stamped = anthropic
        self._is_binding = binding
        self._behind = self._end = b""
        """Of the lines, what follows what is left, and what follows it where it stands a second time: it alone differs
        from call to call of the same second."""
        self._made_until = self._ends = 0.0
        self._policy = f'ratelimit: "{_policy(meter.rule)}";r='.encode()
        if anthropic:
            head = f"anthropic-ratelimit-{what}"
            self._before = f"{head}-limit: {meter.rule.limit}\r\n{head}-remaining: ".encode()
            self._between = f"\r\n{head}-reset: ".encode()
        else:
            self._before = f"x-ratelimit-limit-{what}: {meter.rule.limit}\r\nx-ratelimit-remaining-{what}: ".encode()
            self._between = f"\r\nx-ratelimit-reset-{what}: ".encode()

    def lines(self, now: float, offset_ms: float) -> bytes:
        """`offset_ms`: of the wall clock."""
        meter = self._meter
        ends = meter.ends
        # As `remaining` says, without its call: every governed answer comes by here.
        left = self._limit
        if now < ends:
            left += meter.left - meter.used
            left = max(left, 0)
        if now >= self._made_until or ends != self._ends:
            self._renew(now, offset_ms)
        if self._is_binding:
            return b"%b%d%b%d%b" % (self._before, left, self._behind, left, self._end)
        return b"%b%d%b" % (self._before, left, self._behind)

    def _renew(self, now: float, offset_ms: float) -> None:
        """Makes what stands around it for as long as the whole seconds stay the same."""
        ends = self._ends = self._meter.ends
        wait_s = int(ends - now) + 1 if now < ends else 0
        self._made_until = ends - wait_s + 1 if wait_s else now + 1.0
        if self._stamped:
            reset = rfc3339(from_ms(int((ends or now) * 1000 + offset_ms))).encode()
        else:
            reset = b"%ds" % wait_s
        self._behind = b"%b%b\r\n" % (self._between, reset)
        if self._is_binding:
            self._behind += self._policy
            self._end = b";t=%d\r\n" % wait_s


def refused(meter: "Meter", now: float) -> RateLimited:
    """The limit is reached."""
    rule = meter.rule
    wait_s = max(1, ceil(meter.resets_in_s(now)))
    if meter.pending > 0:
        wait_s = min(wait_s, _PENDING_RETRY_S)
        end = "What is left of it is reserved by calls that are under way. Try again when they have ended."
    elif meter.is_seats:
        end = "Try again when one of them has ended."
    else:
        end = f"It is renewed in {wait_s} s."
    return RateLimited(
        f"The limit {_subject(rule)} is reached: {_amount(rule)}. {end}",
        details={"limit": _details(meter, now)},
        retry_after_s=wait_s,
    )


def too_large(meter: "Meter", needed: int, now: float) -> RateLimited:
    """One call alone may use more than the whole limit: it can never pass as it is."""
    rule = meter.rule
    return RateLimited(
        f"This request may use up to {needed} tokens, more than the whole limit {_subject(rule)}: {_amount(rule)}."
        " Send a lower limit of output tokens, or a shorter prompt.",
        details={"limit": {**_details(meter, now), "needed": needed}},
    )


def unknown(meter: "Meter", now: float) -> TurnpikeError:
    """Nobody can say at the moment whether the limit is reached."""
    return Unavailable(
        f"The limit {_subject(meter.rule)} ({_amount(meter.rule)}) cannot be counted at the moment. Try again.",
        details={"limit": _details(meter, now)},
        retry_after_s=2,
    )


def refusal_line(meter: "Meter") -> bytes:
    """Which limit it was, for programs: the forms of most APIs have no place for it in their errors."""
    rule = meter.rule
    said = f"{rule.subject};resource={rule.resource};amount={rule.amount};window={rule.window_s};id={rule.id}"
    return f"x-turnpike-limit: {said}\r\n".encode()


def _subject(rule: "LimitRule") -> str:
    words = _SUBJECTS[Subject(rule.subject)].format(rule.name)
    if rule.model:
        words += f" for the model '{rule.model}'"
    if rule.operation:
        words += f" for '{rule.operation}'"
    return words


def _amount(rule: "LimitRule") -> str:
    what = _NAMES.get(Resource(rule.resource), rule.resource)
    burst = f" (and {rule.burst} in a burst)" if rule.burst else ""
    if rule.resource == Resource.CONCURRENCY:
        return f"{rule.amount} {what}{burst}"
    return f"{rule.amount} {what}{burst} per {_SPANS.get(rule.window_s) or f'{rule.window_s} s'}"


def _details(meter: "Meter", now: float) -> dict[str, object]:
    rule = meter.rule
    details: dict[str, object] = {
        "id": rule.id,
        "subject": rule.subject,
        "resource": rule.resource,
        "window_s": rule.window_s,
        "amount": rule.amount,
        "burst": rule.burst,
        "remaining": meter.remaining(now),
        "reset_s": ceil(meter.resets_in_s(now)),
    }
    if rule.subject in (Subject.TIER, Subject.MODEL, Subject.OPERATION):
        details["name"] = rule.name
    return details
