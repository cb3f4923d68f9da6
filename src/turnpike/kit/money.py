"""Money as integers: nano-dollars (1e-9 USD) inside, cents or dollars at the edges, pico-dollars for a single unit."""

from decimal import ROUND_HALF_EVEN, Decimal

NANO_PER_USD = 1_000_000_000
NANO_PER_CENT = 10_000_000
PICO_PER_NANO = 1_000
PICO_PER_USD = 1_000_000_000_000


def nanousd_from_cents(cents: int) -> int:
    return cents * NANO_PER_CENT


def cents_from_nanousd(nanousd: int) -> Decimal:
    """Exact: a nano-dollar is the seventh place behind a cent's point."""
    return Decimal(nanousd) / NANO_PER_CENT


def usd_text(nanousd: int) -> str:
    """Dollars with nine places, `0.000123000`: the same width for every sum below ten dollars, and exact."""
    sign = "-" if nanousd < 0 else ""
    whole, rest = divmod(abs(nanousd), NANO_PER_USD)
    return f"{sign}{whole}.{rest:09d}"


def picousd_per_unit(usd: Decimal, units: int = 1) -> int:
    """A price of `usd` for `units` units, as pico-dollars for one unit, rounded half to even.

    $1.25 for a million tokens: `picousd_per_unit(Decimal("1.25"), 1_000_000)` is 1,250,000.
    """
    return int((usd * PICO_PER_USD / units).to_integral_value(rounding=ROUND_HALF_EVEN))


def usd_per_units(picousd: int, units: int) -> Decimal:
    """The inverse of `picousd_per_unit`: dollars for `units` units."""
    return Decimal(picousd) * units / PICO_PER_USD
