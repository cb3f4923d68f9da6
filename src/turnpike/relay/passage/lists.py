"""Lists of objects: the caller's own alone. Others' are left out, and further pages are asked for until the page that
was wished for is full or there are no more."""

from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

from turnpike.errors import Forbidden, UpstreamGarbage
from turnpike.wire.passage.kinds import Kind, item_id
from turnpike.wire.passage.paths import Api

PAGES_AT_MOST = 25
"""Of the provider's, for one of the caller's."""
_USUAL_LIMIT = 20
_LARGEST_LIMIT = 1000

Page = dict[str, Any]
Ask = Callable[[str], Awaitable[Any]]
"""A query to the provider's decoded answer."""
Keep = Callable[[list[Any]], Awaitable[list[Any]]]
"""Items to those that the caller may see."""

_AFTER: dict[Api, str] = {Api.OPENAI: "after", Api.ANTHROPIC: "after_id"}
_BACKWARDS = frozenset(("before", "before_id"))


async def own_list(kind: Kind, query: str, ask: Ask, keep: Keep) -> Page:
    """The provider's list as if there were nobody else. Raises Forbidden for an answer of an unknown form."""
    if kind.api is Api.GEMINI:
        return await _by_token(kind, query, ask, keep)
    given = dict(parse_qsl(query, keep_blank_values=True))
    if _BACKWARDS & given.keys():
        page = _page(kind, await ask(query))
        return _written(kind, page, await keep(page[kind.list_field]), more=bool(page.get("has_more")))
    return await _forwards(kind, given, ask, keep)


def first_query(kind: Kind, query: str) -> str:
    """The query of the first page: as large as can be where the caller bounds its own."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    if kind.api is Api.GEMINI or "limit" not in given or _BACKWARDS & given.keys():
        return query
    return urlencode(dict(given, limit=str(kind.page_at_most)))


async def _forwards(kind: Kind, given: dict[str, str], ask: Ask, keep: Keep) -> Page:
    wish = given.get("limit", "")
    limit = min(int(wish), _LARGEST_LIMIT) if wish.isdecimal() and int(wish) > 0 else _USUAL_LIMIT
    query = dict(given, limit=str(kind.page_at_most)) if "limit" in given else dict(given)
    kept: list[Any] = []
    for number in range(1, PAGES_AT_MOST + 1):
        page = _page(kind, await ask(urlencode(query)))
        items = page[kind.list_field]
        kept += await keep(items)
        more = bool(page.get("has_more")) and bool(items)
        last = item_id(kind, items[-1]) if items else None
        if "limit" in given and len(kept) > limit:
            return _written(kind, page, kept[:limit], more=True)
        if not more or last is None:
            return _written(kind, page, kept, more=False)
        if number == PAGES_AT_MOST or ("limit" not in given and len(kept) >= len(items) > 0):
            return _written(kind, page, kept, more=bool(kept))
        query[_AFTER[kind.api]] = last
    raise UpstreamGarbage("The provider's list does not end.")


async def _by_token(kind: Kind, query: str, ask: Ask, keep: Keep) -> Page:
    """Tokens lead from page to page, so a page is passed whole, without others' items."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    page: Page = {}
    for _ in range(PAGES_AT_MOST):
        found = await ask(urlencode(given))
        page = cast("Page", found) if isinstance(found, dict) else {}
        if page and not isinstance(page.get(kind.list_field), list) and set(page) - {"nextPageToken"}:
            raise _unknown_form()
        items = cast("list[Any]", page.get(kind.list_field) or [])
        kept = await keep(items)
        if items:
            page[kind.list_field] = kept
        token = page.get("nextPageToken")
        if kept or not isinstance(token, str) or not token:
            return page
        given["pageToken"] = token
    return page


def _page(kind: Kind, answer: Any) -> Page:
    if not isinstance(answer, dict) or not isinstance(cast("Page", answer).get(kind.list_field), list):
        raise _unknown_form()
    return cast("Page", answer)


def _unknown_form() -> Forbidden:
    return Forbidden("This list has a form that the gateway does not know, so it cannot tell whose its items are.")


def _written(kind: Kind, page: Page, items: list[Any], *, more: bool) -> Page:
    written = {**page, kind.list_field: items}
    if "has_more" in page:
        written["has_more"] = more
    ids = [item_id(kind, each) for each in items]
    ends = {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
    written.update((name, end) for name, end in ends.items() if name in page)
    for name in ("total", "total_count"):
        # How many others have is nobody's business.
        written.pop(name, None)
    return written
