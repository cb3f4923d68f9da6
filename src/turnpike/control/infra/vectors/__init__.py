"""Vectors of questions, and which of a space is nearest to a new one.

A space is a digest of everything but the last user text: only questions of the same tenant, model and parameters are
ever compared. Vectors are kept in clear, as a search must compare them; what is near which text can be guessed from
them by somebody with the same embedding model, so their place is as private as the database's.
"""

from typing import NamedTuple, Protocol

from turnpike.errors import Unavailable

SPACE_LIMIT = 5_000
"""Questions of one space; beyond that the oldest go."""


class VectorsUnreachable(Unavailable):
    pass


class Near(NamedTuple):
    key: bytes
    similarity: float
    """Cosine, from -1 to 1."""


class Vectors(Protocol):
    async def put(self, space: bytes, key: bytes, vector: bytes, expires_at_ms: int) -> None:
        """`vector`: little-endian 32-bit floats. In the place of one with the same key."""
        ...

    async def nearest(self, space: bytes, vector: bytes) -> Near | None:
        """Among those of as many dimensions whose time is not over."""
        ...

    async def drop(self, key: bytes) -> None: ...

    async def clear(self) -> None: ...

    async def close(self) -> None: ...
