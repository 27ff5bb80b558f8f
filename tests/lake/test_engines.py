"""Engines of a process: kept, renewed in the background, each over one whole version, within a bound of memory."""

import threading
from pathlib import Path

from tests.lake.test_faults import wait_for
from tests.lake.test_sync import patient

from shangyi import lake
from shangyi.lake import engines
from shangyi.lake.analyst_engine import Reach
from shangyi.lake.engines import Engines
from shangyi.settings import Settings

SETTINGS = Settings(lake_memory_mb=1024, lake_threads=1, lake_seconds=60)
LATE = 1000.0
"""Further behind than any test waits: what is new then comes from the background alone."""


def reach(area: str = "") -> Reach:
    return Reach(area, persons=True, types=frozenset({"Patient"}))


def people(held: Engines, whose: Reach | None = None) -> int:
    with held.engine(whose or reach()) as engine:
        return engine.ask("select * from fhir.Patient").table.num_rows


def test_renewed_while_the_one_before_is_in_use(tmp_path: Path) -> None:
    lake.write(tmp_path, [patient("a")])
    held = Engines(tmp_path, SETTINGS, keep_seconds=LATE)
    with held.engine(reach()) as before:
        lake.write(tmp_path, [patient("a"), patient("b")])
        wait_for("the new version", lambda: people(held) == 2)
        assert before.ask("select * from fhir.Patient").table.num_rows == 1  # a whole version, to the end
        with held.engine(reach()) as after:
            assert after is not before
            assert after.lake.version == before.lake.version + 1
    held.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "engines"]


def test_without_leave_to_be_behind_it_is_the_present_version(tmp_path: Path) -> None:
    lake.write(tmp_path, [patient("a")])
    held = Engines(tmp_path, SETTINGS)
    assert people(held) == 1
    lake.write(tmp_path, [patient("a"), patient("b")])
    assert people(held) == 2
    held.close()


def test_behind_for_as_long_as_it_may_be_and_no_longer(tmp_path: Path) -> None:
    lake.write(tmp_path, [patient("a")])
    held = Engines(tmp_path, SETTINGS, keep_seconds=0.5)
    assert people(held) == 1
    held._ended.set()  # nothing is renewed in the background: who asks has to wait then
    lake.write(tmp_path, [patient("a"), patient("b")])
    assert people(held) == 1
    wait_for("the new version", lambda: people(held) == 2, seconds=5)
    held.close()


def test_together_they_take_what_the_settings_give(tmp_path: Path) -> None:
    lake.write(tmp_path, [patient("a")])
    held = Engines(tmp_path, SETTINGS, keep_seconds=LATE)
    areas = [f"52{number:04d}" for number in range(engines.MOST_ENGINES + 1)]
    for area in areas:
        people(held, reach(area))
    assert [kept.area for kept in held._held] == areas[1:]  # the one that was asked longest ago has gone
    limits = []
    for kept in list(held._held):
        with held.engine(kept) as engine:
            [(limit,)] = engine._database.sql("select current_setting('memory_limit')").fetchall()
            limits.append(limit)
    assert limits == ["256.0 MiB"] * engines.MOST_ENGINES
    held.close()


def test_several_who_ask_first_share_one(tmp_path: Path) -> None:
    lake.write(tmp_path, [patient("a")])
    held, found = Engines(tmp_path, SETTINGS, keep_seconds=LATE), set[int]()

    def ask() -> None:
        with held.engine(reach()) as engine:
            found.add(id(engine))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    held.close()
