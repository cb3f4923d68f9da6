"""Prices by the piece: classes, pixels, service tiers, and what has no price."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.wire.media_rates import MediaRates, class_rate, megapixels_pico
from turnpike.wire.prices import Rates, Service, Tier, Unpriced, compile_cost, cost_bound_nanousd, cost_nanousd
from turnpike.wire.types.usage import MediaUsage, Usage

TABLE = {"1x1/hd": 5, "1x1": 4, "*/hd": 3, "*": 2}


@pytest.mark.parametrize(
    ("media_class", "rate"),
    [("1x1/hd", 5), ("1x1/low", 4), ("1x1", 4), ("2x2/hd", 3), ("/hd", 3), ("2x2/low", 2), ("", 2)],
)
def test_a_class_is_looked_up_from_the_nearest_to_the_most_general(media_class: str, rate: int) -> None:
    assert class_rate(TABLE, media_class) == rate


def test_a_class_that_nothing_names_costs_what_the_dearest_does() -> None:
    assert class_rate({"1x1": 4, "2x2": 9}, "3x3/hd") == 9
    assert class_rate({}, "3x3") == 0


def test_pixels_are_counted_by_the_size_in_the_class() -> None:
    assert megapixels_pico("1000x1000/hd", 7_000) == 7_000
    assert megapixels_pico("2000x1000", 7_000) == 14_000
    assert megapixels_pico("square", 7_000) == megapixels_pico("", 7_000) == 7_000


def test_an_images_own_price_gives_way_to_tokens_that_are_counted() -> None:
    rates = Rates(input=1_000, output=2_000, media=MediaRates(image={"*": 10**9}))
    assert cost_nanousd(Usage(10, 0, media=MediaUsage(images=1)), rates) == 10 + 10**6
    assert cost_nanousd(Usage(10, 100, media=MediaUsage(images=1)), rates) == 10 + 200


@pytest.mark.parametrize(
    "media",
    [MediaUsage(images=1), MediaUsage(characters=1), MediaUsage(searches=1), MediaUsage(input_audio_ms=1)],
)
def test_what_is_counted_and_has_no_rate_is_unpriced_and_not_free(media: MediaUsage) -> None:
    rates = Rates(input=5)
    for cost in (compile_cost(rates), lambda usage: cost_nanousd(usage, rates)):
        with pytest.raises(Unpriced):
            cost(Usage(media=media))
    assert cost_nanousd(Usage(media=media), Rates()) == 0, "a model that is free is free"
    assert cost_nanousd(Usage(media=MediaUsage(service_tier="flex")), rates) == 0


def test_a_service_tier_discounts_tokens_and_not_fees() -> None:
    rates = Rates(input=10_000, request=10**6, web_search=10**7, services=(Service("batch", 500),))
    plain = Usage(100, 0, web_searches=1)
    batch = Usage(100, 0, web_searches=1, media=MediaUsage(service_tier="batch"))
    assert cost_nanousd(plain, rates) == 1_000 + 1_000 + 10_000
    assert cost_nanousd(batch, rates) == 500 + 1_000 + 10_000


def test_a_service_tier_without_a_price_is_billed_as_usual() -> None:
    rates = Rates(input=10_000, services=(Service("batch", 500),))
    assert cost_nanousd(Usage(100, media=MediaUsage(service_tier="scale")), rates) == 1_000


def test_a_service_tier_has_the_models_tiers_by_size_but_for_prices_of_its_own() -> None:
    own = Service("priority", rates=Rates(input=7_000))
    rates = Rates(input=1_000, tiers=(Tier(10, Rates(input=2_000)),), services=(Service("batch", 500), own))
    assert cost_nanousd(Usage(10, media=MediaUsage(service_tier="batch")), rates) == 5
    assert cost_nanousd(Usage(11, media=MediaUsage(service_tier="batch")), rates) == 11
    assert cost_nanousd(Usage(11, media=MediaUsage(service_tier="priority")), rates) == 77


RATE = st.integers(0, 10**12)
TABLES = st.dictionaries(st.sampled_from(("1x1/hd", "1x1", "*/hd", "*", "2x2")), RATE, max_size=4)
MEDIA_RATES = st.builds(
    MediaRates, st.none() | RATE, st.none() | RATE, TABLES, RATE, RATE, RATE, TABLES, RATE, RATE, RATE, RATE, RATE
)
RATES = st.builds(
    Rates, input=RATE, output=RATE, request=RATE, media=st.none() | MEDIA_RATES,
    tiers=st.lists(st.builds(Tier, st.integers(1, 999), st.builds(Rates, RATE, RATE)), max_size=1).map(tuple),
    services=st.lists(st.builds(Service, st.just("batch"), st.integers(0, 3000)), max_size=1).map(tuple),
)  # fmt: skip
COUNT = st.integers(0, 5_000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    read, made = draw(COUNT), draw(COUNT)
    media = MediaUsage(
        draw(COUNT), draw(st.sampled_from(("", "1x1", "1x1/hd", "9x9/low"))), draw(st.integers(0, read)),
        draw(st.integers(0, made)), *(draw(COUNT) for _ in range(8)), draw(st.sampled_from(("", "batch", "other"))),
    )  # fmt: skip
    return Usage(read, made, media=media)


@given(RATES, usages())
def test_no_usage_costs_more_than_its_bound(rates: Rates, usage: Usage) -> None:
    try:
        cost = cost_nanousd(usage, rates)
    except Unpriced:
        return
    assert 0 <= cost <= cost_bound_nanousd(usage.input_tokens, usage.output_tokens, rates, media=usage.media)
    assert compile_cost(rates)(usage) == cost
