"""The overview and the lists over a population of a million: made small, asked of the console as an administrator and a town.

    PYTHONPATH=src python benchmarks/residents.py make HOME [--residents 1000000]
    PYTHONPATH=src python benchmarks/residents.py ask HOME [--rounds 20]

``make`` repeats 400 synthetic residents with ids, names and villages of their own (700 villages in 35 towns). The lake gets
of each the Patient, two problems, the last blood pressure, HbA1c, order, visit and examination; the record only the Patients of one town: a list
reads 30 residents of it, wherever they live. It needs 6 GB for a while. ``ask`` calls the pages as `benchmarks/pages.py` does, and prints milliseconds of processor of this
process and of PostgreSQL, and on the clock.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

sys.path = [folder for folder in sys.path if not folder.endswith("benchmarks")]
PASSWORD = "brook-lantern-42-quiet"
COUNTY, TOWNS, VILLAGES = "991321", 35, 20
TEMPLATES = 400
TOWN = f"{COUNTY}107"
PAGES = (
    "/", "/residents", "/residents?sort=visit", "/residents?due=all", "/residents?due=chronic&sort=name",
    "/residents?state=hypertension.uncontrolled", "/residents?state=problem:E11.900&sex=female&age=65-", f"/residents?area={TOWN}",
    f"/residents?area={TOWN}&due=all", "/residents?seen={day}",
)  # fmt: skip


def templates() -> list[list[dict[str, Any]]]:
    """Of each of some residents, the Patient first and what else is kept."""
    from datetime import date, timedelta

    from shangyi.care.standing.rules import measured
    from shangyi.synth import generate

    found: dict[str, dict[str, Any]] = {}
    until = date.today() - timedelta(days=1)
    for resource in generate(TEMPLATES, 7, until):
        kind, of = resource["resourceType"], resource.get("subject", {}).get("reference", "")
        if kind == "Patient":
            found[f"Patient/{resource['id']}"] = {"Patient": resource}
        if resource["id"].startswith("case-") or of not in found:
            continue
        held, slot = found[of], kind
        if kind == "Condition":
            listed = resource["category"][0]["coding"][0]["code"] == "problem-list-item"
            slot = "first problem" if listed and "first problem" not in held else "problem" if listed else ""
        elif kind == "Observation":
            coding = resource["code"]["coding"][0]
            slot = f"{coding['system']}|{coding['code']}"
            slot = slot if slot in measured() else ""
        elif kind == "Encounter":
            slot = f"Encounter {resource['type'][0]['coding'][0]['code'] == 'health-examination'}"
        elif kind != "MedicationRequest":
            slot = ""
        if slot:
            held[slot] = resource  # the last one of its kind
    return [list(held.values()) for held in found.values()]


def copies(residents: int, only_patients: bool) -> Iterator[bytes]:
    """NDJSON of so many residents, each with an id, a name and a village of its own."""
    from shangyi.fhir import json
    from shangyi.synth import names

    chance = Random(7)
    held = templates()
    bodies = [[json.dumps(resource) for resource in resources] for resources in held]
    ids = [resources[0]["id"].encode() for resources in held]
    for number in range(residents):
        at = number % len(held)
        patient = held[at][0]
        village = f"{COUNTY}{100 + chance.randrange(TOWNS)}{200 + chance.randrange(VILLAGES)}"
        born, sex = int(patient["birthDate"][:4]), patient["gender"]
        name = names.surname(chance) + names.given_name(chance, sex, born)
        address = {**patient["address"][0], "extension": [
            {**e, "valueCoding": {**e["valueCoding"], "code": village}} if "valueCoding" in e else e
            for e in patient["address"][0]["extension"]
        ]}  # fmt: skip
        id = f"r{number}".encode()
        own = {k: v for k, v in patient.items() if k not in ("identifier", "telecom", "generalPractitioner")}
        own |= {"id": id.decode(), "name": [{"text": name}], "address": [address]}
        own |= {"birthDate": f"{born}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"}
        if only_patients and not village.startswith(TOWN):
            continue
        yield json.dumps(own) + b"\n"
        if only_patients:
            continue
        for place, (resource, body) in enumerate(zip(held[at][1:], bodies[at][1:], strict=True)):
            mine = body.replace(b'"Patient/' + ids[at] + b'"', b'"Patient/' + id + b'"')
            yield mine.replace(b'"id":"' + resource["id"].encode(), b'"id":"%s-%d' % (id, place), 1) + b"\n"


def make(home: Path, residents: int) -> None:
    """The lake, the population, the record."""
    import shutil

    from shangyi import lake
    from shangyi.care.population.keep import Keeper
    from shangyi.care.standing import keep
    from shangyi.settings import Settings
    from shangyi.store.load import load
    from shangyi.wiring import opened

    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)

    def told(what: str) -> None:
        print(f"{what}: {time.process_time():.0f} s of processor so far", flush=True)

    path = home / "input.ndjson"
    for only_patients in (False, True):
        with path.open("wb") as out:
            out.writelines(copies(residents, only_patients))
        told(f"written {path.stat().st_size / 1e9:.1f} GB")
        if only_patients:
            break
        made = lake.write(home / "lake", [path])
        told(f"lake of {sum(kept.rows for kept in made.types.values())}")
        keeper = Keeper(home, Settings.load())
        before, clock = time.process_time(), time.monotonic()
        keeper.refresh()
        print(
            f"population: {time.process_time() - before:.1f} s of processor, {time.monotonic() - clock:.0f} s"
        )
    with opened(Settings.load()) as opening:
        report = load(opening.store, [path], workers=1)
        told(f"record: {report.loaded if hasattr(report, 'loaded') else report}")
        path.unlink()
        keep.catch_up(opening.store.repository)
        accounts = opening.access.accounts
        accounts.create("all", PASSWORD, "administrator", "*", display="all")
        accounts.create("county", PASSWORD, "reader", COUNTY, display="county")
        accounts.create("town", PASSWORD, "reader", TOWN, display="town")
        accounts.create("village", PASSWORD, "reader", f"{TOWN}203", display="village")
    told("standing of all")
    shutil.rmtree(home / "uploads", ignore_errors=True)


def ask(home: Path, rounds: int) -> None:
    """Print what each page takes, for each account."""
    import datetime as dt

    sys.path.append(str(Path(__file__).parent))
    import pages

    from shangyi.wiring import create_app

    app = create_app()
    pages.POSTMASTER = int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    day = (dt.date.today() - dt.timedelta(days=3)).isoformat()

    async def run() -> None:
        async with app.router.lifespan_context(app):
            await asyncio.sleep(pages.WARM_S)
            print(
                "| account | page | first | processor, median | PostgreSQL | clock, median |\n|---|---|---:|---:|---:|---:|"
            )
            for name in ("all", "county", "town", "village"):
                cookie = await pages.sign_in(app, name, PASSWORD)
                for page in PAGES:
                    path, own, waits = page.replace("{day}", day), [], []
                    database = pages.children()
                    for _ in range(rounds):
                        clock, before = time.perf_counter(), time.process_time()
                        status, _ = await pages.call(app, path, cookie)
                        own.append(1000 * (time.process_time() - before))
                        waits.append(1000 * (time.perf_counter() - clock))
                        assert status == 200, (name, path, status)
                    database = 1000 * (pages.children() - database) / rounds
                    print(
                        f"| {name} | `{page}` | {own[0]:.1f} | {statistics.median(own[1:]):.1f} | {database:.1f} | {statistics.median(waits[1:]):.1f} |",
                        flush=True,
                    )

    asyncio.run(run())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("make", "ask"))
    parser.add_argument("home", type=Path)
    parser.add_argument("--residents", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    os.environ.update(SHANGYI_HOME=str(given.home), SHANGYI_LAKE_INTERVAL="0", SHANGYI_LOG="warning")
    if given.what == "make":
        make(given.home, given.residents)
    else:
        ask(given.home, given.rounds)


if __name__ == "__main__":
    main()
