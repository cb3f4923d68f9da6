"""Parameters of paths and lists, as FastAPI reads them."""

from typing import Annotated

from fastapi import Depends, Path, Query

from turnpike.control.web.fields import NO_CONTROL, UUID
from turnpike.kit.pagination import DEFAULT_PER_PAGE, MAX_PAGE, MAX_PER_PAGE, Page

PathId = Annotated[str, Path(pattern=UUID)]
PathIdOrSlug = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="The id or the slug.")]
Search = Annotated[str | None, Query(max_length=200, pattern=NO_CONTROL, description="Part of a name; no wildcards.")]
Sort = Annotated[str | None, Query(max_length=200, pattern=NO_CONTROL, description="`-created_at,name`")]


def _page(
    page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    per_page: Annotated[int, Query(ge=1, le=MAX_PER_PAGE)] = DEFAULT_PER_PAGE,
) -> Page:
    return Page(page, per_page)


Paged = Annotated[Page, Depends(_page)]
