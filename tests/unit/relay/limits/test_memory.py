"""Which callers' gates a relay remembers."""

from typing import Any

from turnpike.relay.gates.memory import AT_MOST, Remembered


class Like:
    """An entry or a plan, as far as the memory looks at it."""

    def __init__(self, **facts: Any) -> None:
        self.__dict__.update(facts)


def entry(seen: float) -> Any:
    return Like(seen=seen, alive=True, gated=None, gates=())


def test_no_more_than_so_many_are_remembered_and_those_who_come_again_are_spared() -> None:
    one: Any = Like(gates={})
    remembered = Remembered()
    regular = entry(1.0)
    gates: Any = ("gate",)
    regular.gated, regular.gates = one, gates
    remembered.add(regular, one, gates)
    others = [entry(1.0) for _ in range(3 * AT_MOST)]
    for number, other in enumerate(others):
        regular.seen = 2.0 + number
        other.gated, other.gates = one, gates
        remembered.add(other, one, gates)
    assert len(remembered) == len(one.gates) == AT_MOST
    assert regular in one.gates
    assert regular.gates == gates
    assert (others[0].gated, others[0].gates) == (None, ())
    assert others[-1] in one.gates
