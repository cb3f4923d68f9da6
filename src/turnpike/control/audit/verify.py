"""Recomputes the chain and names the first entry that is not as it was written. Pure: entries in, findings out."""

from collections.abc import Iterable
from dataclasses import dataclass

from turnpike.control.audit.chain import GENESIS, Entry, Personal, commitment, entry_hash
from turnpike.control.audit.signing import CUT, Checkpoint, is_signed


@dataclass(frozen=True)
class Broken:
    """Where the log is no longer what was written."""

    seq: int
    reason: str


class Verifier:
    """`feed` it the entries in order, then ask `end`. The first thing that is wrong stays in `broken`."""

    def __init__(self, checkpoints: Iterable[Checkpoint], public_key: str, *, start: tuple[int, str] | None) -> None:
        """`start`: the last entry before the first that is fed, with its hash; None: the newest cut, else the very
        beginning."""
        self.entries = 0
        self.heads = 0
        """Signed heads that an entry was compared with."""
        self.erased = 0
        self.broken: Broken | None = None
        self._public_key = public_key
        self._heads: dict[int, list[Checkpoint]] = {}
        cut: tuple[int, str] | None = None
        for checkpoint in checkpoints:
            if not is_signed(checkpoint, public_key):
                self._break(checkpoint.seq, f"its {checkpoint.kind} is not signed by this gateway's key")
                continue
            self._heads.setdefault(checkpoint.seq, []).append(checkpoint)
            if checkpoint.kind == CUT and (cut is None or checkpoint.seq > cut[0]):
                cut = (checkpoint.seq, checkpoint.hash)
        self.first, self._hash = start or cut or (0, GENESIS)
        self.last = self.first
        """The newest entry that was fed."""

    @property
    def hash(self) -> str:
        return self._hash

    def feed(self, entry: Entry, personal: Personal | None, *, erased: bool) -> bool:
        """False when something is wrong, with this entry or before. `erased`: a record says that its personal data
        was removed on purpose."""
        if self.broken is None:
            self._check(entry, personal, erased=erased)
        return self.broken is None

    def _check(self, entry: Entry, personal: Personal | None, *, erased: bool) -> None:
        expected = self.last + 1
        if entry.seq != expected:
            missing = f"entry {expected} is missing: {entry.seq} follows {self.last}"
            twice = f"entry {entry.seq} stands there twice"
            self._break(min(entry.seq, expected), missing if entry.seq > expected else twice)
        elif entry.previous_hash != self._hash:
            self._break(entry.seq, "it does not follow the entry before it (previous hash)")
        elif entry_hash(entry) != entry.hash:
            self._break(entry.seq, "its fields are not those that its hash was made of")
        elif personal is not None and commitment(personal) != entry.commitment:
            self._break(entry.seq, "its personal data is not what was written")
        elif personal is None and entry.commitment and not erased:
            self._break(entry.seq, "its personal data is gone without an erasure on record")
        elif any(head.hash != entry.hash for head in self._heads.get(entry.seq, ())):
            self._break(entry.seq, "it is not the entry that was signed")
        else:
            self.entries += 1
            self.heads += len(self._heads.get(entry.seq, ()))
            self.erased += personal is None and bool(entry.commitment)
            self.last, self._hash = entry.seq, entry.hash

    def end(self, head: tuple[int, str] | None) -> Broken | None:
        """`head`: where the log says that it ends; None where only a part was looked at."""
        if self.broken is None and head is not None:
            newest = max(self._heads, default=0)
            if head[0] > self.last or newest > self.last:
                self._break(self.last + 1, f"entries after {self.last} are missing: there were {max(head[0], newest)}")
            elif head != (self.last, self._hash):
                self._break(self.last, f"the log's head speaks of entry {head[0]} and another hash")
        return self.broken

    def _break(self, seq: int, reason: str) -> None:
        if self.broken is None or seq < self.broken.seq:
            self.broken = Broken(seq, reason)
