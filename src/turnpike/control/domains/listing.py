"""One page of a list: rows and their number, in one order."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from turnpike.control.db.sessions import ReadSession
from turnpike.kit.pagination import Order, Page, escape_like

S = TypeVar("S", bound=Select[*tuple[Any, ...]])
Columns = Mapping[str, InstrumentedAttribute[Any]]


def contains(column: InstrumentedAttribute[Any], text: str) -> ColumnElement[bool]:
    """Holds `text` somewhere, in any case; `%` and `_` mean themselves."""
    return column.ilike(f"%{escape_like(text)}%", escape="\\")


def ordered(query: S, orders: Sequence[Order], columns: Columns, last: InstrumentedAttribute[Any]) -> S:
    """`last` makes the order complete, so that no row is on two pages."""
    keys = [columns[order.field].desc() if order.descending else columns[order.field].asc() for order in orders]
    return query.order_by(*keys, last.asc())


async def paged(session: ReadSession, query: Select[Any], page: Page) -> tuple[Sequence[Any], int]:
    """The page's rows and how many the whole list has."""
    total = (await session.execute(select(func.count()).select_from(query.order_by(None).subquery()))).scalar_one()
    rows = (await session.scalars(query.limit(page.per_page).offset(page.offset))).all() if total else []
    return rows, total
