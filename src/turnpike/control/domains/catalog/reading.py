"""Reads of the catalog, cached: five minutes at most, under the snapshot's version, so that a change shows at once."""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.catalog import repository
from turnpike.control.domains.catalog.repository import ModelFilter, ProviderFilter
from turnpike.control.domains.catalog.rows import ModelPage, ModelRow, ProviderPage, ProviderRow, model_row
from turnpike.control.infra.cache import Cache
from turnpike.errors import InvalidRequest, NotFound
from turnpike.kit.pagination import Page, parse_sort

T = TypeVar("T")
_encode = msgspec.msgpack.Encoder().encode


class CatalogReader:
    """`version` is the snapshot's, as far as this process knows; what it commits itself it knows at once."""

    def __init__(self, cache: Cache, version: int) -> None:
        self._cache = cache
        self._version = version

    async def _cached(self, kind: type[T], question: tuple[Any, ...], load: Callable[[], Awaitable[T]]) -> T:
        digest = blake2b(_encode(question), digest_size=16).hexdigest()
        key = f"catalog:{self._version}:{kind.__name__}:{digest}"
        stored = await self._cache.get(key)
        if stored is not None:
            return msgspec.msgpack.decode(stored, type=kind)
        found = await load()
        await self._cache.put(key, _encode(found))
        return found

    async def providers(
        self, session: ReadSession, wanted: ProviderFilter, sort: str | None, page: Page
    ) -> ProviderPage:
        orders = parse_sort(sort, repository.PROVIDER_ORDER, "sort_order,name")
        return await self._cached(
            ProviderPage,
            (wanted, orders, page),
            lambda: repository.provider_page(session, wanted, orders, page),
        )

    async def models(self, session: ReadSession, wanted: ModelFilter, sort: str | None, page: Page) -> ModelPage:
        orders = parse_sort(sort, repository.MODEL_ORDER, "sort_order,name")
        return await self._cached(
            ModelPage,
            (wanted, orders, page),
            lambda: repository.model_page(session, wanted, orders, page),
        )

    async def models_in_bulk(self, session: ReadSession, slugs: Sequence[str]) -> dict[str, list[ModelRow]]:
        """The active models of all these providers, in one query; a slug that is not known has none."""
        wanted = sorted(set(slugs))

        async def load() -> ModelPage:
            rows = await repository.active_models_of(session, wanted)
            return ModelPage(rows, len(rows))

        found: dict[str, list[ModelRow]] = {slug: [] for slug in wanted}
        for row in (await self._cached(ModelPage, ("bulk", wanted), load)).rows:
            found[row.provider].append(row)
        return found

    async def provider(self, session: ReadSession, reference: str) -> ProviderRow:
        """Raises NotFound."""
        row = await repository.provider(session, reference)
        if row is None:
            raise NotFound(f"There is no provider {reference}.")
        return await repository.provider_shown(session, row)

    async def model(self, session: ReadSession, model_id: str) -> ModelRow:
        """Raises NotFound."""
        found = await repository.model(session, model_id)
        if found is None:
            raise NotFound(f"There is no model {model_id}.")
        return model_row(*found)


def split_slugs(text: str, most: int = 200) -> list[str]:
    """`a,b`. Raises InvalidRequest."""
    slugs = [part.strip() for part in text.split(",") if part.strip()]
    if not slugs or len(slugs) > most:
        raise InvalidRequest(f"providers: name 1 to {most} slugs, with commas between.", details={"param": "providers"})
    return slugs
