"""Who is calling: a bounded cache of resolved API keys, and the asking of control about the others.

Holds digests, never keys. Unknown keys are remembered for a short while, so that a caller with a wrong key cannot
make control ask its database for every request.
"""

import copy
from collections.abc import Callable

from turnpike.contract.budgets import BudgetSpec
from turnpike.contract.events import Caller
from turnpike.contract.grants import KeyGrant, key_digest
from turnpike.errors import AddressForbidden, Unauthenticated, Unavailable
from turnpike.kit.networks import Networks, address_in
from turnpike.relay.gates import Gate
from turnpike.relay.profiles import Profile, Profiles
from turnpike.relay.routing.plan import Plan

_MAX_NEGATIVES = 10_000
_MAX_ASKING = 10_000
_JWT = b"eyJ"
"""How the base64 of `{"` begins, and so every JWT."""
_MAX_TOKEN_BYTES = 16_384


class Entry:
    """A resolved key. Lean on purpose: there may be 50,000 of them."""

    __slots__ = (
        "alive",
        "budgets",
        "caller",
        "exempt",
        "expires_at_ms",
        "gated",
        "gates",
        "is_inner",
        "limits",
        "looked",
        "networks",
        "profile",
        "scopes",
        "seen",
        "tier",
    )

    def __init__(self, grant: KeyGrant, profile: Profile) -> None:
        self.alive = True
        """False once revoked or evicted: whoever still holds the entry looks the key up again."""
        self.exempt = False
        """A call that a guard itself makes: no guard looks at it."""
        self.is_inner = False
        """Of a call that the relay makes inside of one of this caller's: the limits counted that one."""
        self.seen = 0.0
        """Monotonic time of the last request."""
        self.looked = 0.0
        """`seen` when eviction last looked."""
        self.caller = Caller(grant.key_id, grant.key_name, grant.user_id, grant.department_id)
        self.scopes = grant.scopes
        self.tier = grant.tier
        self.limits = grant.limits
        self.budgets: tuple[BudgetSpec, ...] = grant.budgets
        self.expires_at_ms = grant.expires_at_ms
        self.networks = Networks.of(grant.networks, grant.denied_networks) or None
        self.profile = profile
        self.gated: Plan | None = None
        """The plan that the last call had, and the gates before it."""
        self.gates: tuple[Gate, ...] = ()

    def for_inner(self) -> "Entry":
        """The same caller with the same rights and budgets, for one call that the relay makes inside of one of theirs.
        It takes nothing of the limits: they counted the call that it is part of, which holds its seats meanwhile."""
        made = copy.copy(self)
        made.alive = made.is_inner = True
        made.gated, made.gates = None, ()
        return made

    def check_address(self, client: str) -> None:
        """Raises AddressForbidden when the key is bound to other networks, or denied this one."""
        if self.networks is None:
            return
        address = address_in(client)
        if address is None or not self.networks.allow(address):
            raise AddressForbidden(f"This API key may not be used from {client}.", details={"address": client})


Found = Callable[["Entry | Unauthenticated | Unavailable"], None]
"""Told once what became of a key that had to be asked for."""


def unknown_key() -> Unauthenticated:
    return Unauthenticated(
        "The API key is not known here: it is mistyped, revoked or expired. Keys of this gateway begin with 'tp-'; a "
        "token must be of an issuer that this gateway trusts."
    )


def missing_key() -> Unauthenticated:
    return Unauthenticated("No API key was given. Send it as 'Authorization: Bearer tp-...' or as 'x-api-key: tp-...'.")


def expired_key() -> Unauthenticated:
    return Unauthenticated("This API key has expired; ask for a new one or rotate it.")


class Keys:
    """The cache. `ask` is set by the link to control: it sends one digest."""

    __slots__ = ("_asking", "_entries", "_negative_s", "_negatives", "_profiles", "_size", "_tokens", "ask", "pepper")

    def __init__(self, profiles: Profiles, *, size: int, negative_s: float, ask: Callable[[bytes], None]) -> None:
        self.pepper = b""
        self.ask = ask
        self._profiles = profiles
        self._size = size
        self._negative_s = negative_s
        self._entries: dict[bytes, Entry] = {}
        self._negatives: dict[bytes, float] = {}
        self._asking: dict[bytes, list[Found]] = {}
        self._tokens: dict[bytes, bytes] = {}
        """Of the digests that are asked about, those that are of tokens."""

    def __len__(self) -> int:
        return len(self._entries)

    def digest(self, key: bytes) -> bytes:
        return key_digest(key, self.pepper)

    def known(self, digest: bytes) -> Entry | None:
        return self._entries.get(digest)

    def resolve(self, digest: bytes, now: float, found: Found, token: bytes | None = None) -> None:
        """Tells `found`, now or later, what control says of a key that `known` does not have. `token` is what the
        digest is of: control is shown it when it is a JWT."""
        until = self._negatives.get(digest)
        if until is not None:
            if now < until:
                found(unknown_key())
                return
            del self._negatives[digest]
        waiting = self._asking.get(digest)
        if waiting is not None:
            waiting.append(found)
            return
        if len(self._asking) >= _MAX_ASKING:
            found(_control_is_away())
            return
        self._asking[digest] = [found]
        if token is not None and token.startswith(_JWT) and len(token) <= _MAX_TOKEN_BYTES:
            self._tokens[digest] = token
        self.ask(digest)

    def answered(self, digest: bytes, grant: KeyGrant | None, *, unavailable: bool, now: float) -> None:
        """Control's answer to `ask`."""
        waiting = self._asking.pop(digest, ())
        self._tokens.pop(digest, None)
        answer: Entry | Unauthenticated | Unavailable
        if unavailable:
            answer = _control_is_away()
        elif grant is None:
            answer = unknown_key()
            if len(self._negatives) >= _MAX_NEGATIVES:
                del self._negatives[next(iter(self._negatives))]
            self._negatives[digest] = now + self._negative_s
        else:
            answer = Entry(grant, self._profiles.of(grant))
            self._remember(digest, answer)
        for found in waiting:
            found(answer)

    def token_of(self, digest: bytes) -> bytes | None:
        """The token that is asked about, where it is one."""
        return self._tokens.get(digest)

    def open_questions(self) -> list[bytes]:
        """Digests that control has not answered: asked again when the link to it is new."""
        return list(self._asking)

    def give_up(self, digest: bytes) -> None:
        """Control did not answer in time."""
        self._tokens.pop(digest, None)
        for found in self._asking.pop(digest, ()):
            found(_control_is_away())

    def forget(self, key_ids: tuple[str, ...] | None) -> None:
        """Grants changed: all of them for None. What is forgotten is asked for again when next used."""
        self._negatives.clear()
        ids = None if key_ids is None else frozenset(key_ids)
        for digest, entry in list(self._entries.items()):
            if ids is None or entry.caller.key_id in ids:
                entry.alive = False
                del self._entries[digest]

    def _remember(self, digest: bytes, entry: Entry) -> None:
        """Evicts by second chance: the oldest entry that was not used since it was last looked at."""
        entries = self._entries
        while len(entries) >= self._size:
            oldest = next(iter(entries))
            candidate = entries.pop(oldest)
            if candidate.seen > candidate.looked:
                candidate.looked = candidate.seen
                entries[oldest] = candidate
            else:
                candidate.alive = False
        entries[digest] = entry

    def active_users(self, since: float) -> int:
        """People with a request since a monotonic time, as far as their keys are remembered."""
        return len({entry.caller.user_id for entry in self._entries.values() if entry.seen >= since})


def _control_is_away() -> Unavailable:
    return Unavailable(
        "This API key could not be checked: the gateway's control plane does not answer at the moment. Try again.",
        details={"reason": "control"},
        retry_after_s=2,
    )
