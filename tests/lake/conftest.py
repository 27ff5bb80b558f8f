"""A second store, to be taken for the first."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from shangyi.store.database import Store, create_database
from shangyi.store.embedded import Server

County = dict[str, list[dict[str, Any]]]


@pytest.fixture
def other(database_server: Server, database_template: str) -> Iterator[Store]:
    """Another database of the same server."""
    name = f"test_{uuid.uuid4().hex}"
    create_database(database_server.conninfo("postgres"), name, database_template)
    with Store(database_server.conninfo(name)) as opened:
        yield opened
