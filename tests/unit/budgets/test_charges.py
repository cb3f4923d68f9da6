"""What a row's cost is added to."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.journals import event_id, usage_event
from turnpike.contract.budgets import charge_text, read_charge
from turnpike.control.drain.charges import Charged, sums_of
from turnpike.control.drain.rows import row_of

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


@given(st.integers(0, 10**13), st.sampled_from(("", "=", "-", "~")), st.integers(0, 2**50))
def test_a_charge_is_read_as_it_was_written(start: int, mark: str, number: int) -> None:
    charge = read_charge(charge_text(ID, start, mark, number))
    assert charge is not None
    assert (charge.budget_id, charge.start_ms, charge.mark) == (ID, start, mark)
    assert charge.number == (number if mark else 0)


def test_what_is_no_charge_is_nobodys() -> None:
    assert [read_charge(text) for text in ("", "x", "x@", "@1", "x@1=", "x@a", f"{'x' * 37}@1")] == [None] * 7


def test_an_attempt_given_up_is_charged_to_its_own_provider_and_the_rest_to_the_other() -> None:
    given_up, other, key = charge_text("a", 0, "=", 300), charge_text("b", 0, "-", 300), charge_text("k", 0)
    call = event_id()
    rows = [row_of(usage_event(call, cost_nanousd=1000))]
    sums = sums_of(rows, {call: Charged((given_up, other, key), "relay")})
    assert [each[:3] for each in sums.counters] == [("a", 0, 300), ("b", 0, 700), ("k", 0, 1000)]
    assert sums.slices == [(300, "a", 0, "relay"), (700, "b", 0, "relay"), (1000, "k", 0, "relay")]


def test_a_row_without_a_price_counts_its_flat_amount_and_one_with_a_price_what_it_cost() -> None:
    flat = read_charge(charge_text("a", 0, "~", 50))
    assert flat is not None
    assert (flat.amount(None), flat.amount(7), flat.amount(0)) == (50, 7, 0)


def test_rows_of_several_relays_are_summed_by_budget_and_by_holder() -> None:
    calls = [event_id() for _ in range(4)]
    rows = [row_of(usage_event(call, cost_nanousd=10)) for call in calls]
    charges = {call: Charged(("a@5",), f"relay-{place % 2}") for place, call in enumerate(calls[:3])}
    sums = sums_of(rows, charges)
    assert [each[:3] for each in sums.counters] == [("a", 5, 30)]
    assert sums.slices == [(20, "a", 5, "relay-0"), (10, "a", 5, "relay-1")]
