"""How much a call of each lane can cost at most, and the room that a further attempt needs."""

from typing import TYPE_CHECKING

from turnpike.relay.money.gate import Reservation
from turnpike.wire.bounds import Bound
from turnpike.wire.operations import PLAIN, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnpike.relay.call import Call
    from turnpike.relay.gates import Governed
    from turnpike.relay.media_call import MediaCall
    from turnpike.relay.passage.call import PassageCall
    from turnpike.relay.realtime.turns import Turn

_FREE_KINDS = frozenset(("files", "uploads", "vector_stores", "containers", "conversations", "assistants", "threads"))
"""What is made without a model being asked."""


def bound_of(call: "Call", bounds: tuple[Bound, ...]) -> int | None:
    operation = call.route.operation
    if operation == Operation.COUNT_TOKENS:
        return 0
    fields, contents = call.fields, call.contents()
    if len(bounds) == 1 and operation in PLAIN:
        return bounds[0].of(fields, contents)
    told = None if operation in PLAIN else fields.counted(None)
    media = told.media if told is not None else None
    most = 0
    for bound in bounds:
        found = bound.of(fields, contents) if media is None else bound.of_pieces(fields, contents, media)
        if found is None:
            return None
        most = max(most, found)
    return most if bounds else None


def bound_of_media(call: "MediaCall", bounds: tuple[Bound, ...]) -> int | None:
    told = call.media.by_piece(call.asked)
    return _most(bound.of_media(call.asked, told.media if told is not None else None) for bound in bounds)


def bound_of_turn(turn: "Turn", bounds: tuple[Bound, ...]) -> int | None:
    return _most(bound.of_tokens(turn.estimate.input_tokens) for bound in bounds)


def bound_of_passage(call: "PassageCall") -> int | None:
    """What asks no model costs the flat price of the policy, or nothing. Only a model with a price and a context
    window bounds the others; a batch has as many lines as were judged."""
    flat = call.relay.catalog.snapshot.policies.passthrough_call_nanousd
    asked = call.asked
    if not asked.creates or asked.place.kind.name in _FREE_KINDS:
        return flat
    models = [row for row in call.relay.catalog.snapshot.models if row.rates is not None and row.rates == call.rates]
    if call.batch is not None:
        names = call.batch.models
        provider = call.at_provider
        models = [
            row for row in call.relay.catalog.snapshot.models if row.name in names and row.provider_id == provider
        ]
    if not models:
        return flat or None
    each = _most(Bound(row.rates, row.context_window, row.max_output_tokens).of_unknown() for row in models)
    if each is None:
        return flat or None
    return each * (call.batch.lines if call.batch is not None else 1)


def _most(found: "Iterable[int | None]") -> int | None:
    """None where one is not known, or there is none."""
    most: int | None = None
    for each in found:
        if each is None:
            return None
        most = each if most is None else max(most, each)
    return most


def extend(call: "Governed", more_nanousd: int) -> bool:
    """An attempt was given up that may be charged for: another one needs as much money on top. False: there is none."""
    for hold in call.holds:
        if isinstance(hold, Reservation):
            if not hold.extend(more_nanousd):
                return False
            call.reserved_nanousd += more_nanousd
    return True
