"""Canonical stream events."""

import msgspec


class Event(msgspec.Struct):
    """Replaced by a tagged union when the dialects are written."""
