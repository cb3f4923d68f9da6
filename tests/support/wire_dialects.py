"""The dialects in kinds, for tests that hold for all of a kind."""

from turnpike.wire.dialect import Dialect
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.media.dialect import MediaDialect

TRANSLATED: dict[str, Dialect] = {
    name: dialect for name, dialect in DIALECTS.items() if not isinstance(dialect, MediaDialect)
}
"""Those in JSON on both sides. The others take forms or answer with sound, and their bytes only pass."""
