"""The map: every village in its town, every town in the county, no gaps."""

import pytest

from shangyi.synth import polygons
from shangyi.synth.county import county, geojson


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
