"""Changes of models, and their prices."""

from typing import Any

from turnpike.control.db.models import Model, Provider
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains import catalogued
from turnpike.control.domains.catalog import repository
from turnpike.control.domains.catalog.prices import Pricing
from turnpike.control.domains.catalog.rows import ModelRow, model_row
from turnpike.control.domains.catalog.schemas import ModelBody, ModelPatch
from turnpike.errors import Conflict, InvalidRequest, NotFound
from turnpike.wire.profiles.capabilities import guess_capabilities

_PRICED_BY = frozenset({"model_id", "price_override"})


class Models:
    def __init__(self, pricing: Pricing) -> None:
        self._pricing = pricing

    async def get(self, session: ReadSession, model_id: str) -> tuple[Model, Provider]:
        """Raises NotFound."""
        found = await repository.model(session, model_id)
        if found is None:
            raise NotFound(f"There is no model {model_id}.")
        return found

    async def create(self, session: WriteSession, body: ModelBody) -> ModelRow:
        """Raises InvalidRequest or Conflict."""
        provider = await self._provider(session, body.provider)
        values = self._whole(body)
        _check_wildcard(values["name"], values["model_id"])
        await self._check_id(session, provider, values["model_id"], None)
        row = Model(provider_id=provider.id, **values)
        self._pricing.price(row, provider)
        await catalogued.add(session, row)
        return model_row(row, provider)

    async def replace(self, session: WriteSession, model_id: str, body: ModelBody) -> ModelRow:
        """Raises NotFound, InvalidRequest or Conflict."""
        row, _ = await self.get(session, model_id)
        provider = await self._provider(session, body.provider)
        return await self._apply(session, row, provider, {"provider_id": provider.id, **self._whole(body)})

    async def change(self, session: WriteSession, model_id: str, body: ModelPatch) -> ModelRow:
        """Raises NotFound, InvalidRequest or Conflict."""
        row, provider = await self.get(session, model_id)
        values = body.given()
        if body.price_override is not None:
            values["price_override"] = body.price_override.model_dump(mode="json", exclude_defaults=True)
        return await self._apply(session, row, provider, values)

    async def _apply(self, session: WriteSession, row: Model, provider: Provider, values: dict[str, Any]) -> ModelRow:
        _check_wildcard(values.get("name", row.name), values.get("model_id", row.model_id))
        await self._check_id(session, provider, values.get("model_id", row.model_id), row.id)
        changed = {name for name, value in values.items() if getattr(row, name) != value}
        for name in changed:
            setattr(row, name, values[name])
        if changed & {*_PRICED_BY, "provider_id"}:
            self._pricing.price(row, provider)
        await session.flush()
        session.changes.catalog()
        return model_row(row, provider)

    async def remove(self, session: WriteSession, model_id: str) -> Model:
        """Raises NotFound."""
        row, _ = await self.get(session, model_id)
        return await catalogued.remove(session, row)

    async def _provider(self, session: ReadSession, reference: str) -> Provider:
        row = await repository.provider(session, reference)
        if row is None:
            raise InvalidRequest(f"There is no provider {reference!r}.", details={"param": "provider"})
        return row

    def _whole(self, body: ModelBody) -> dict[str, Any]:
        values = body.model_dump(exclude={"provider", "price_override"})
        values["model_id"] = body.model_id or body.name
        values["display_name"] = body.display_name or body.name
        if body.capabilities is None:
            values["capabilities"] = list(guess_capabilities(values["model_id"]))
        override = body.price_override
        values["price_override"] = override.model_dump(mode="json", exclude_defaults=True) if override else None
        return values

    async def _check_id(self, session: ReadSession, provider: Provider, model_id: str, own_id: str | None) -> None:
        other = await repository.model_at(session, provider.id, model_id)
        if other is not None and other.id != own_id:
            raise Conflict(
                f"{provider.slug} has a model {model_id!r} already.", details={"param": "model_id", "id": other.id}
            )


def _check_wildcard(name: str, model_id: str) -> None:
    if name.count("*") > 1:
        raise InvalidRequest("A model's name holds one `*` at most.", details={"param": "name"})
    if model_id.count("*") > name.count("*"):
        raise InvalidRequest(
            "`model_id` may hold a `*` only where the name has one, whose part it then takes.",
            details={"param": "model_id"},
        )
