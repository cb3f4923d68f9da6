"""What is lent of limits: one row a window, reused by the next one, and one row a holder of seats."""

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base


class LentWindow(Base):
    __tablename__ = "lent_windows"

    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    resource: Mapped[str] = mapped_column(String(32), primary_key=True)
    length_ms: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    start_ms: Mapped[int] = mapped_column(BigInteger)
    used: Mapped[int] = mapped_column(BigInteger)
    granted: Mapped[int] = mapped_column(BigInteger)
    """To the last one who asked: how a single statement tells."""


class LentSeats(Base):
    __tablename__ = "lent_seats"

    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80), primary_key=True)
    seats: Mapped[int] = mapped_column(Integer)
    until_ms: Mapped[int] = mapped_column(BigInteger)
