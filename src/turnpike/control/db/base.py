"""What every table shares: naming of constraints, column types, ids and times.

Times are integers of milliseconds since the epoch, UTC (`*_at_ms`); ids are UUIDv7 text of 36 characters.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Dialect, Integer, MetaData, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from turnpike.kit.clock import now_ms
from turnpike.kit.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""A constraint without a name cannot be dropped by a migration on every database."""

Document = JSON(none_as_null=True)
"""Read and written whole, never searched in; Python's None is SQL's NULL."""


class Flags(TypeDecorator[list[str]]):
    """A set of names from a fixed, append-only list, stored as the bits of an integer: filtered on with `&`."""

    impl = Integer
    cache_ok = True

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.names = tuple(names)

    def bits(self, names: Iterable[str]) -> int:
        """Raises ValueError for an unknown name."""
        bits = 0
        for name in names:
            bits |= 1 << self.names.index(name)
        return bits

    def process_bind_param(self, value: list[str] | int | None, dialect: Dialect) -> int | None:
        """An integer is taken as bits already: the right-hand side of `&`."""
        return value if value is None or isinstance(value, int) else self.bits(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> list[str] | None:
        return None if value is None else [name for at, name in enumerate(self.names) if value >> at & 1]


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dict[str, Any]: Document,
        list[str]: Document,
    }


class Identified:
    """A primary key made by us, rising with time."""

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)


class Timed:
    created_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms)
    updated_at_ms: Mapped[int] = mapped_column(BigInteger, default=now_ms, onupdate=now_ms)
