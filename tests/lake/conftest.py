"""A second store, to be taken for the first."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.databases import Databases

from shangyi.store.database import Store

County = dict[str, list[dict[str, Any]]]


@pytest.fixture
def other(databases: Databases) -> Iterator[Store]:
    """Another database of the same server."""
    with Store(databases.new()) as opened:
        yield opened
