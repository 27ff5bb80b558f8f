"""Options of the whole suite."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.databases import Databases, quick_place
from tests.scheduling import turn

if TYPE_CHECKING:
    from tests.spark import Start
    from xdist.scheduler import Scheduling

    from shangyi.lake import DuckDBEngine
    from shangyi.store.database import Store
    from shangyi.store.embedded import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the longer checks")
    parser.addoption(
        "--tx-suite", metavar="DIR", help="a checkout of HL7/fhir-tx-ecosystem-ig, whose cases run too"
    )
    parser.addoption(
        "--ecqm",
        metavar="DIR",
        help="a checkout of cqframework/ecqm-content-qicore-2024 or -r4-2021: its patients",
    )
    parser.addoption("--ecqm-models", metavar="DIR", help="ModelInfo files that the checkout's libraries use")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "Scheduling | None":
    """How two workers share the tests (``scripts/check.py``)."""
    if config.getoption("dist") != "loadgroup":
        return None
    from tests.scheduling import by_module

    return by_module(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: turn(item.nodeid))
    if config.getoption("--slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="session")
def county() -> "dict[str, list[dict[str, Any]]]":
    """The resources by type: 60 residents with ten years of record, and one in forty of the county's case reports."""
    from datetime import date

    from shangyi.synth import generate

    found: dict[str, list[dict[str, Any]]] = {}
    cases = 0
    for resource in generate(60, 7, date(2026, 6, 30)):
        if resource["id"].startswith("case-"):
            cases += 1
            if cases % 40:
                continue
        found.setdefault(resource["resourceType"], []).append(resource)
    return found


@pytest.fixture(scope="session")
def county_lake(county: dict[str, list[dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of the county."""
    from shangyi import lake

    directory = tmp_path_factory.mktemp("county") / "lake"
    lake.write(directory, [resource for resources in county.values() for resource in resources])
    return directory


@pytest.fixture(scope="session")
def county_engine(county_lake: Path) -> "Iterator[DuckDBEngine]":
    """DuckDB over it."""
    from shangyi import lake

    with lake.DuckDBEngine(lake.open(county_lake), memory_mb=512, threads=2) as engine:
        yield engine


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Server]":
    """One embedded PostgreSQL for the session, of each worker of xdist; crash-safety off where only speed counts."""
    from shangyi.store import embedded

    home = Path(tempfile.mkdtemp(prefix="shangyi-test-", dir=quick_place()))
    home.chmod(0o711)
    unsafe = {"fsync": "off", "full_page_writes": "off"}
    with embedded.start(
        home, settings={"shared_buffers": "64MB", "max_connections": "200", **unsafe}
    ) as server:
        yield server
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def databases(database_server: "Server") -> Databases:
    """New databases of it: copies of an empty, migrated one."""
    from shangyi.store.database import Store, create_database

    create_database(database_server.conninfo("postgres"), "template_shangyi")
    Store(database_server.conninfo("template_shangyi")).close()
    return Databases(database_server, "template_shangyi")


@pytest.fixture(scope="module")
def store(databases: Databases) -> "Iterator[Store]":
    """A store of its own for each test module: a real PostgreSQL, an empty database."""
    from shangyi.store.database import Store

    with Store(databases.new()) as opened:
        yield opened


@pytest.fixture(scope="session")
def spark() -> "Iterator[Start]":
    """Starts engines on a local Spark with two workers, which all tests of the session share."""
    from tests.spark import workers

    with workers() as start:
        yield start
