"""What the drain tells of itself, for /health and /metrics (board.py): written by the drain alone."""

import time
from dataclasses import dataclass, field


@dataclass
class DrainState:
    rows: int = 0
    """Rows put into the ledger since the start."""
    duplicates: int = 0
    """Records read again whose rows were there already."""
    interrupted: int = 0
    """Rows written for calls that a crash cut short."""
    batches: int = 0
    busy_s: float = 0.0
    """Time spent writing to the database."""
    backlog_bytes: int = 0
    """Journal bytes not in the ledger yet: an upper bound, as a live segment counts whole until it was looked at."""
    segments: int = 0
    """Journal segments on disk, without those set aside."""
    torn: int = 0
    """Records cut off at the end of a dead relay's journal."""
    corrupt: int = 0
    """Damaged places inside journals; each has lost one record or more."""
    unreadable: int = 0
    """Intact records of a kind that this version does not know."""
    aside: int = 0
    """Segments set aside, on disk now."""
    rejected: int = 0
    """Segments set aside because the database refuses a row from them."""
    disk_free_bytes: int | None = None
    """Free space where the journals are; None until it was looked at."""
    error: str | None = None
    """Why the last attempt to write failed; None after one that did not."""
    journal_error: str | None = None
    """Why a journal could not be read or deleted in the last turn."""
    running: bool = False
    caught_up_at: float = field(default_factory=time.monotonic)
    """On the monotonic clock, which all of a machine's processes share: when everything readable was last in the
    ledger."""

    @property
    def lag_s(self) -> float:
        """How long the ledger has been behind the journals."""
        return max(0.0, time.monotonic() - self.caught_up_at)
