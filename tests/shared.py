"""Conformance suites and real data beside the checkout; a test that needs them skips where they are not."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def shared(relative: str) -> Path:
    """A path below ``shared/``: ``$SHANGYI_SHARED``, else beside the checkout."""
    places = [os.environ.get("SHANGYI_SHARED"), ROOT.parent / "shared", ROOT.parent.parent / "shared"]
    for place in places:
        if place and (Path(place) / relative).exists():
            return Path(place) / relative
    pytest.skip(f"needs shared/{relative} (conformance suites and test data) beside the checkout")
