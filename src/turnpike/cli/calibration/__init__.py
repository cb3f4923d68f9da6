"""How well an embeddings model tells questions apart, measured on pairs that are shipped.

`pairs.tsv`: `same` or `different`, and two questions. The different ones are hard on purpose: nearly the same words,
another meaning (a negation, another place, number, product, direction), as these are what a semantic cache gets wrong.
"""

import math
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

THRESHOLDS = (0.80, 0.85, 0.90, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)


class Pair(NamedTuple):
    same: bool
    first: str
    second: str


class Rate(NamedTuple):
    threshold: float
    false_hits: float
    """Of the different pairs, the share that would be taken for the same."""
    found: float
    """Of the same pairs, the share that would be found."""


def read_pairs() -> list[Pair]:
    lines = files(__name__).joinpath("pairs.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line]
    return [Pair(kind == "same", first, second) for kind, first, second in rows]


def similarity(first: Sequence[float], second: Sequence[float]) -> float:
    """The cosine of the angle between two vectors."""
    product = math.fsum(a * b for a, b in zip(first, second, strict=True))
    lengths = math.sqrt(math.fsum(a * a for a in first)) * math.sqrt(math.fsum(b * b for b in second))
    return product / lengths if lengths else 0.0


def rates(same: Sequence[float], different: Sequence[float], thresholds: Sequence[float] = THRESHOLDS) -> list[Rate]:
    """From the similarities of both kinds of pairs."""
    return [
        Rate(
            threshold,
            sum(value >= threshold for value in different) / len(different),
            sum(value >= threshold for value in same) / len(same),
        )
        for threshold in thresholds
    ]
