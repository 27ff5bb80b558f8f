"""The map: every village in its town, every town in the county, no gaps."""

from random import Random

import pytest

from shangyi.synth import polygons
from shangyi.synth.county import county, geojson
from shangyi.synth.institutions import institutions


def test_codes_are_nested_and_unique() -> None:
    here = county()
    codes = [v.code for v in here.villages]
    assert len(set(codes)) == len(codes) >= 140
    assert all(
        len(code) == 12 and code[:9] == v.town[:9] for code, v in zip(codes, here.villages, strict=True)
    )
    assert sum(v.weight for v in here.villages) == pytest.approx(1)


def test_villages_fill_their_town_and_towns_the_county() -> None:
    here = county()
    assert sum(polygons.area(t.outline) for t in here.towns) == pytest.approx(
        polygons.area(here.outline), rel=1e-3
    )
    for town in here.towns:
        parts = sum(polygons.area(v.outline) for v in town.villages)
        assert parts == pytest.approx(polygons.area(town.outline), rel=1e-3)
        assert all(polygons.contains(v.outline, v.at) for v in town.villages)


def test_boundaries_are_closed_rings() -> None:
    features = geojson()["features"]
    assert {f["properties"]["level"] for f in features} == {"county", "town", "village"}
    for feature in features:
        ring = feature["geometry"]["coordinates"][0]
        assert ring[0] == ring[-1]
        assert len(ring) >= 4


def test_rings_run_counter_clockwise_and_every_place_lies_in_one_village() -> None:
    """RFC 7946: outer rings counter-clockwise; no gap and no overlap between villages beyond the rounding of a metre."""
    features = geojson()["features"]
    rings = {
        f["properties"]["code"]: [tuple(p) for p in f["geometry"]["coordinates"][0][:-1]] for f in features
    }
    assert all(polygons.area(ring) > 0 for ring in rings.values())
    here, random = county(), Random(3)
    villages = [rings[v.code] for v in here.villages]
    (left, right), (low, high) = ((min(axis), max(axis)) for axis in zip(*rings[here.division], strict=True))
    seen = []
    while len(seen) < 400:
        point = (random.uniform(left, right), random.uniform(low, high))
        if polygons.contains(rings[here.division], point):
            seen.append(sum(polygons.contains(ring, point) for ring in villages))
    assert seen.count(1) >= 399


def test_institutions_lie_where_they_say_and_not_on_one_heap() -> None:
    places = list(institutions().values())
    outlines = {v.code: v.outline for v in county().villages} | {t.code: t.outline for t in county().towns}
    assert all(polygons.contains(outlines[place.division], place.at) for place in places)
    assert len({place.at for place in places}) == len(places)
