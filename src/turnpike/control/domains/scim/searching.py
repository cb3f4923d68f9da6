"""Filters, sorting and paging. The database narrows down what it can by conditions that every match must meet; each
candidate is then held against the filter itself, some at a time, so that nobody else has to wait."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, cast

from scim2_models import Resource, SearchRequest
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    ValuePath,
)
from scim2_server.storage import SearchPage
from sqlalchemy import ColumnElement, and_, or_

Condition = ColumnElement[bool]
OfComparison = Callable[[str, Comparison], Condition | None]
"""For an attribute's name (`emails.value`, in lower case) and what it is compared with; None: no condition known."""
Chunks = AsyncIterator[Sequence[Resource[Any]]]
_TEXTUAL = frozenset((CompareOperator.eq, CompareOperator.co, CompareOperator.sw, CompareOperator.ew))


def narrowed(node: FilterNode, of_comparison: OfComparison, within: str = "") -> Condition | None:
    """A condition that everything the filter matches meets; None where there is none to give."""
    match node:
        case Comparison():
            return of_comparison(_name(node.attr_path, within), node)
        case LogicalExpr():
            terms = [narrowed(term, of_comparison, within) for term in node.terms]
            known = [term for term in terms if term is not None]
            if node.op is LogicalOperator.and_:
                return and_(*known) if known else None
            return or_(*known) if len(known) == len(terms) else None
        case ValuePath():
            return narrowed(node.val_filter, of_comparison, _name(node.attr_path, within))
        case _:
            return None


def _name(path: AttrPath, within: str) -> str:
    parts = [within, path.attr, path.sub_attr or ""]
    return ".".join(part for part in parts if part).lower()


def plain_text(node: Comparison) -> str | None:
    """What a match holds somewhere, in lower case; None where that cannot be said in the terms of every database."""
    value = node.value
    if node.op not in _TEXTUAL or not isinstance(value, str) or not value:
        return None
    return value.lower() if value.isascii() and value.isprintable() and not set(value) & set('"\\') else None


async def sifted(chunks: Chunks, request: SearchRequest[Any]) -> SearchPage:
    """The page of those that match."""
    found: list[Resource[Any]] = []
    async for chunk in chunks:
        found += [each for each in chunk if request.filter is None or request.filter.match(each)]
        await asyncio.sleep(0)
    if request.sort_by is not None:
        keys = {id(each): request.sort_value(each) for each in found}
        backwards = request.sort_order == SearchRequest.SortOrder.descending
        found.sort(key=lambda each: _key(keys[id(each)], cast("str", each.id)), reverse=backwards)
    start = request.start_index_0 or 0
    stop = None if request.count is None else start + request.count
    return SearchPage(len(found), found[start:stop])


def _key(value: Any, identity: str) -> tuple[bool, Any, str]:
    """What has no value comes last."""
    return value is None, "" if value is None else value, identity
