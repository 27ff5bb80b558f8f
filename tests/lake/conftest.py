"""A small synthetic county, and the lake of it; a second store, to be taken for the first."""

import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shangyi import lake
from shangyi.store.database import Store, create_database
from shangyi.store.embedded import Server
from shangyi.synth import generate

County = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="session")
def county() -> County:
    """The resources by type: 60 residents with ten years of record, and one in forty of the county's case reports."""
    found: County = {}
    cases = 0
    for resource in generate(60, 7, date(2026, 6, 30)):
        if resource["id"].startswith("case-"):
            cases += 1
            if cases % 40:
                continue
        found.setdefault(resource["resourceType"], []).append(resource)
    return found


@pytest.fixture(scope="session")
def county_lake(county: County, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of the county."""
    directory = tmp_path_factory.mktemp("county") / "lake"
    lake.write(directory, [resource for resources in county.values() for resource in resources])
    return directory


@pytest.fixture(scope="session")
def county_engine(county_lake: Path) -> Iterator[lake.DuckDBEngine]:
    """DuckDB over it."""
    with lake.DuckDBEngine(lake.open(county_lake), memory_mb=512, threads=2) as engine:
        yield engine


@pytest.fixture
def other(database_server: Server, database_template: str) -> Iterator[Store]:
    """Another database of the same server."""
    name = f"test_{uuid.uuid4().hex}"
    create_database(database_server.conninfo("postgres"), name, database_template)
    with Store(database_server.conninfo(name)) as opened:
        yield opened
