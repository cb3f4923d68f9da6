"""Pages and orders of a list, as a caller asks for them: `page`, `per_page`, `sort=-created_at,name`."""

from collections.abc import Iterable
from dataclasses import dataclass

from turnpike.errors import InvalidRequest

MAX_PER_PAGE = 500
DEFAULT_PER_PAGE = 50
MAX_PAGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """From 1."""

    page: int = 1
    per_page: int = DEFAULT_PER_PAGE

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page


@dataclass(frozen=True, slots=True)
class PageInfo:
    """What an answer says of where in the list it stands."""

    page: int
    per_page: int
    total: int
    pages: int

    @classmethod
    def of(cls, page: Page, total: int) -> "PageInfo":
        return cls(page.page, page.per_page, total, -(-total // page.per_page))


@dataclass(frozen=True, slots=True)
class Order:
    field: str
    descending: bool


def parse_sort(text: str | None, allowed: Iterable[str], default: str) -> tuple[Order, ...]:
    """`-created_at,name`: descending where a minus stands before the field.

    Raises InvalidRequest for a field that the list is not sorted by, naming those it is.
    """
    names = sorted(allowed)
    orders: list[Order] = []
    for word in (text or default).split(","):
        word = word.strip()
        name = word.removeprefix("-")
        if name not in names:
            raise InvalidRequest(
                f"sort: {name!r} is not a field to sort by; take one of {', '.join(names)}", details={"param": "sort"}
            )
        orders.append(Order(name, word.startswith("-")))
    return tuple(orders)


def escape_like(text: str, escape: str = "\\") -> str:
    """`text` as a part of a LIKE pattern in which `%` and `_` mean themselves."""
    for character in (escape, "%", "_"):
        text = text.replace(character, escape + character)
    return text
