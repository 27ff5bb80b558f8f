"""Control comes and goes, and the survey's share holds on every day."""

import math
from itertools import pairwise
from random import Random

import pytest
from tests.synth.charts import county, living
from tests.synth.test_care import current

from shangyi.synth.conditions import definitions
from shangyi.synth.control import Control, constant, lapsing
from shangyi.synth.tables import table

FIRST, LAST = 736_000, 739_650
PEOPLE = 4000


def drawn(share: float) -> list[Control]:
    random = Random(4)
    return [lapsing(random, share, FIRST, LAST) for _ in range(PEOPLE)]


@pytest.mark.parametrize("id", sorted(id for id, data in definitions().items() if data.get("lapses")))
def test_the_share_of_the_survey_holds_on_every_day(id: str) -> None:
    share = definitions()[id]["controlled"]
    controls = drawn(share)
    for day in (LAST, LAST - 400, LAST - 1100, LAST - 2500):
        held = sum(control.held(day) for control in controls)
        assert abs(held - share * PEOPLE) <= 4 * math.sqrt(share * (1 - share) * PEOPLE), LAST - day


def test_a_lapse_ends_within_the_file_s_days() -> None:
    low, high = table("control")["lapse_days"]
    seen = 0
    for control in drawn(0.5):
        for begins, ends in pairwise(control.turns[:-1]):  # the last spell is not over
            if not control.held(begins):
                seen += 1
                assert low <= ends - begins <= high
                assert control.held(ends)
                assert control.held(begins - 1)
    assert seen > PEOPLE


def test_the_day_of_the_last_turn_is_told() -> None:
    control = Control(0.5, True, (100, 200))
    assert [control.held(day) for day in (99, 100, 199, 200)] == [True, False, False, True]
    assert [control.since(day) for day in (99, 100, 250)] == [None, 100, 200]


def test_what_hardly_anybody_or_everybody_holds_does_not_change() -> None:
    random = Random(1)
    assert all(not lapsing(random, share, FIRST, LAST).turns for share in (0.05, 1.0))
    assert constant(random, 1.0).held(FIRST)
    assert not constant(random, 0.0).held(LAST)


def test_lists_of_work_tell_of_months_not_of_decades() -> None:
    """Readings above target in a row: a handful, and rarely more than three years' worth of quarterly visits."""
    rows = [
        span.facts["count"]
        for record in county()
        if living(record)
        for span in current(record)
        if span.state in ("pressure.uncontrolled_again", "glucose.uncontrolled_again")
    ]
    rows.sort()
    assert len(rows) > 30
    assert rows[len(rows) // 2] <= 4
    assert rows[len(rows) * 9 // 10] <= 14
    assert rows[-1] <= 20
