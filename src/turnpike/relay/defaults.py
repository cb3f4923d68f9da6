"""Calls that name no model: which one is meant. APIs for images, moderations and the like let callers leave it out.

The key's default provider comes first, with the first of its models that can do the operation, in the catalog's order
(`sort_order`, then name); else the one provider that can. Where several can, the caller has to say.
"""

from typing import TYPE_CHECKING

from turnpike.errors import InvalidRequest, TurnpikeError
from turnpike.wire.dialects.common.alone import with_model

if TYPE_CHECKING:
    from turnpike.contract.snapshot import ModelSpec, ProviderSpec
    from turnpike.relay.call import Call
    from turnpike.relay.profiles import Profile

_NAMED_AT_MOST = 5


def name_default(call: "Call", profile: "Profile") -> str:
    """Puts the default model into the body of a call that names none, reads its head again, and returns the name.
    Raises InvalidRequest, which says what there is."""
    name = default_model(profile, call.route.operation, call.relay.catalog.providers)
    call.body = with_model(call.body, name)
    call.fields = call.dialect.read_head(call.body)
    return name


def default_model(profile: "Profile", operation: str, providers: "dict[str, ProviderSpec]") -> str:
    """Raises InvalidRequest."""
    able = [row for rows in profile.usable_models() for row in rows if operation in row.operations]
    own = [row for row in able if providers[row.provider_id].slug == profile.default_provider]
    if own:
        return own[0].name
    if len({row.provider_id for row in able}) == 1:
        return able[0].name
    raise _must_say(operation, able)


def _must_say(operation: str, able: "list[ModelSpec]") -> TurnpikeError:
    names = list(dict.fromkeys(row.name for row in able))[:_NAMED_AT_MOST]
    if names:
        hint = f"Several providers can: name one of {', '.join(names)}, or give the key a default provider."
    else:
        hint = "No model that this key may use can."
    return InvalidRequest(
        f"`model` is missing, and there is no default for '{operation}'. {hint}",
        details={"param": "model", "operation": operation, "available_models": names},
    )
