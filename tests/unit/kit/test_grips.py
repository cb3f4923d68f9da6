"""Who holds what is kept under a key."""

import gc

from turnpike.kit.grips import Grips


def anything(_: str) -> bool:
    return True


def test_what_somebody_holds_is_not_let_go() -> None:
    grips: Grips[str] = Grips()
    grips.watch("a")
    first, second = grips.on("a"), grips.on("a")
    assert first is second
    del first
    assert grips.let_go(anything) == []
    del second
    gc.collect()
    assert grips.let_go(anything) == ["a"]
    assert grips.let_go(anything) == []


def test_what_nobody_ever_held_is_let_go_once_it_rests() -> None:
    grips: Grips[str] = Grips()
    grips.watch("a")
    assert grips.let_go(lambda _: False) == []
    assert grips.let_go(anything) == ["a"]


def test_what_is_held_again_stays() -> None:
    grips: Grips[str] = Grips()
    grips.watch("a")
    held = grips.on("a")
    del held
    again = grips.on("a")
    assert grips.let_go(anything) == []
    del again
    assert grips.let_go(anything) == ["a"]


def test_a_reference_may_end_while_it_is_gone_through() -> None:
    grips: Grips[str] = Grips()
    for key in ("a", "b"):
        grips.watch(key)
    held = {"b": grips.on("b")}

    def ends_the_other(_: str) -> bool:
        held.clear()
        return True

    assert grips.let_go(ends_the_other) == ["a"]
    assert grips.let_go(anything) == ["b"]
