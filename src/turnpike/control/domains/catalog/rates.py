"""A model's stored rates."""

from typing import Any

import msgspec

from turnpike.wire.prices import Rates


def read_rates(stored: dict[str, Any] | None) -> Rates | None:
    """None: unpriced."""
    return None if stored is None else msgspec.convert(stored, Rates)
