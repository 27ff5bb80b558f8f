"""Random numbers that depend only on the seed and on what they are for, so that work can be split at will."""

import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

import numpy as np

T = TypeVar("T")

COUNTY, BLOCK, RESIDENT, STREAM, OUTBREAK = range(5)
"""What a stream of numbers is for; the second part of its key."""


def generator(seed: int, *key: int) -> np.random.Generator:
    """For draws in bulk."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *key])))


def scalar(seed: int, *key: int) -> Random:
    """For draws one at a time, where numpy is ten times slower."""
    words = np.random.SeedSequence([seed, *key]).generate_state(4)
    return Random(int.from_bytes(words.tobytes(), "little"))


def pick(random: Random, items: Sequence[T], weights: Sequence[float] | None = None) -> T:
    """One of ``items``."""
    return random.choices(items, weights)[0] if weights else items[int(random.random() * len(items))]


def poisson(random: Random, mean: float) -> int:
    """Knuth's method; for means below about 30."""
    limit, count, product = math.exp(-mean), 0, random.random()
    while product > limit:
        count += 1
        product *= random.random()
    return count


def normal_cdf(value: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * math.erfc(-value / math.sqrt(2))


def within(random: Random, mean: float, sd: float, low: float, high: float) -> float:
    """A normal draw between ``low`` and ``high``."""
    for _ in range(20):
        value = random.gauss(mean, sd)
        if low <= value <= high:
            return value
    return min(max(mean, low), high)
