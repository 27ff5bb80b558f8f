"""Control of a treated condition: held nearly all the time by some, lost and found again by others (``data/control.yaml``)."""

from bisect import bisect_right
from dataclasses import dataclass
from random import Random

from shangyi.synth.tables import table


@dataclass(frozen=True)
class Control:
    """When a condition is at target, once it is treated: ``first`` until the first of ``turns``, then by turns.

    ``share``: of the time that it is, in the long run; ``turns``: ordinals, ascending.
    """

    share: float = 0.0
    first: bool = False
    turns: tuple[int, ...] = ()

    def held(self, day: int) -> bool:
        """Whether it is at target on ``day``."""
        return self.first ^ bool(bisect_right(self.turns, day) % 2)

    def since(self, day: int) -> int | None:
        """The last turn up to ``day``, if there was one."""
        passed = bisect_right(self.turns, day)
        return self.turns[passed - 1] if passed else None


def constant(random: Random, share: float) -> Control:
    """At target for good in ``share`` of people, never in the others."""
    held = random.random() < share
    return Control(float(held), held)


def lapsing(random: Random, share: float, first: int, last: int) -> Control:
    """At target on any day from ``first`` to ``last`` in ``share`` of people, who come and go.

    Drawn backwards from ``last``, the day that surveys are held against: a spell without control lasts some months,
    one with control as long as gives each kind of person its share of the time.
    """
    data = table("control")
    low, high = data["wavering"], data["steady"]
    if not low < share < high:
        return constant(random, share)
    own = high if random.random() < (share - low) / (high - low) else low
    held_for = own / (1 - own)  # as long as the lapses are, times this
    held = random.random() < own
    day, part, turns = last, random.random(), list[int]()  # the last spell has begun, and is not over
    while True:
        length = random.uniform(*data["lapse_days"]) * (held_for if held else 1.0)
        day -= max(1, int(length * part))
        if day <= first:
            return Control(own, held, tuple(reversed(turns)))
        turns.append(day)
        held, part = not held, 1.0
