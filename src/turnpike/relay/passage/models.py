"""The models that a passed-through request names: judged as in a model call, and put under the provider's own names."""

from typing import TYPE_CHECKING, Any, cast

from turnpike.relay.passage.settle import served_by
from turnpike.wire.passage.paths import Api
from turnpike.wire.types.usage import Usage

if TYPE_CHECKING:
    from turnpike.relay.passage.call import PassageCall


def names_model(call: "PassageCall") -> bool:
    """Gemini names models in paths: `models/x:generateAnswer`."""
    return call.api is Api.GEMINI and call.asked.place.kind.name == "models"


def named_models(call: "PassageCall") -> list[str]:
    """In path and body, as the caller names them."""
    named = call.body.models()
    if names_model(call) and call.asked.place.object_id is not None:
        named.insert(0, call.asked.place.object_id)
    call.model = named[0] if named else ""
    return named


def rename_models(call: "PassageCall", models: list[str]) -> None:
    """Raises what a model call would: ModelNotFound, ModelForbidden, UnsupportedOperation."""
    rows = {name: call.model_at(name) for name in models}
    if rows:
        call.body.rename({name: row.upstream_model for name, row in rows.items()})
        call.rates = next(iter(rows.values())).rates
    row = next(iter(rows.values()), None)
    if row is not None and names_model(call):
        _, colon, action = call.asked.segments[1].partition(":")
        call.asked.segments = ("models", row.upstream_model + colon + action, *call.asked.segments[2:])
    call.served = served_by(call, row)
    if row is not None:
        relay, way = call.relay, call.way
        credential = way.credential.id if way.credential is not None else ""
        call.backend = relay.backends.of(row, way.provider, credential, relay.catalog.snapshot.policies)


def note_usage(call: "PassageCall", usage: Usage | None, answer: Any) -> None:
    """The answer carries usage; where the request named no model the answer may."""
    if usage is None:
        return
    call.usage = usage
    if call.rates is not None or not isinstance(answer, dict):
        return
    holder = cast("dict[str, Any]", answer)
    inner: Any = holder.get("response") or holder.get("data") or holder
    name: Any = cast("dict[str, Any]", inner).get("model") if isinstance(inner, dict) else None
    for row in call.relay.catalog.snapshot.models:
        if row.provider_id == call.way.provider.id and row.upstream_model == name:
            call.rates = row.rates
            call.served = served_by(call, row)
            return
