"""What relays and control say to each other of answers that are kept to be given again.

Rules and clearings are in the snapshot; kept answers themselves are asked for and handed over on the contract socket.
Keys are digests: nothing of a prompt can be read from one.
"""

from enum import StrEnum

import msgspec

from turnpike.wire.types.usage import Usage

MAX_TTL_S = 30 * 86_400
"""No answer is given again after that."""


class CacheMode(StrEnum):
    OFF = "off"
    """An exception from a wider rule."""
    EXACT = "exact"
    SEMANTIC = "exact+semantic"


class Sharing(StrEnum):
    """Who may be given an answer that was made for somebody else."""

    USER = "user"
    """Nobody: with whichever of their keys, people get their own answers."""
    DEPARTMENT = "department"
    """Others of the same department; who is in none shares with nobody."""
    GATEWAY = "gateway"
    """Everybody whom the same rule covers."""


class CacheRule(msgspec.Struct, frozen=True):
    """The most exact rule decides alone: one for a key before one for a department before others, then the longest
    pattern of models."""

    id: str
    revision: int
    """Part of every key: what was kept under a rule before it was changed is not found any more."""
    model: str = "*"
    """As callers name it; `*` stands for any run of characters."""
    key_id: str | None = None
    department_id: str | None = None
    mode: str = CacheMode.EXACT
    ttl_s: int = 3600
    sharing: str = Sharing.USER
    max_entry_bytes: int = 1024 * 1024
    wait_s: float = 0.0
    """How long a request waits for another one that asks the same and is on its way; 0: it does not."""
    threshold: float = 0.95
    """Cosine similarity from which on a question counts as the same."""
    embedding_model: str | None = None


class CacheClear(msgspec.Struct, frozen=True):
    """What was kept up to a moment is not given any more. No field: all of it; several: what has all of them."""

    at_ms: int
    model: str | None = None
    key_id: str | None = None
    user_id: str | None = None

    def covers(self, kept: "KeptAnswer") -> bool:
        return (
            kept.made_at_ms <= self.at_ms
            and self.model in (None, kept.model)
            and self.key_id in (None, kept.key_id)
            and self.user_id in (None, kept.user_id)
        )


class Caching(msgspec.Struct, frozen=True):
    rules: tuple[CacheRule, ...] = ()
    clears: tuple[CacheClear, ...] = ()
    store: bool = False
    """Whether control keeps answers for all relays."""


class KeptAnswer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A whole answer in the dialect of who asked for it."""

    made_at_ms: int
    """When its question came."""
    expires_at_ms: int
    model: str
    """Its own name, whichever the caller used for it."""
    key_id: str
    user_id: str
    usage: Usage | None
    usage_source: int
    cost_nanousd: int | None
    """Of making it; None: it had no price."""
    body: bytes


class GetKept(msgspec.Struct, frozen=True, tag="get_kept"):
    """Relay to control. Answered by Kept."""

    id: int
    key: bytes


class FindSimilar(msgspec.Struct, frozen=True, tag="find_similar"):
    """Relay to control: the kept answer to the nearest question of a space. Answered by Kept."""

    id: int
    space: bytes
    """Digest of tenant, model, parameters and everything but the last user text."""
    vector: bytes
    """Little-endian 32-bit floats."""
    threshold: float


class PutKept(msgspec.Struct, frozen=True, tag="put_kept"):
    """Relay to control: keep this for all. Not answered."""

    key: bytes
    kept: KeptAnswer
    space: bytes | None = None
    vector: bytes = b""


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """`kept` None: there is none, or it cannot be reached."""

    id: int
    kept: KeptAnswer | None
    similarity: float = 1.0
