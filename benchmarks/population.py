"""A record of millions of resources, made in minutes: Synthea's, repeated with ids, residents and names of their own.

    PYTHONPATH=src python benchmarks/population.py FOLDER HOME [--copies 130]

FOLDER holds Synthea's bundles (`*.json.gz`); 130 copies are five million resources. The first goes through the bulk
loader. The others are made of its rows: in every UUID the first eight digits are moved by the number of the copy, in
bodies and in what is searched by, so that the rows are those that the loader would have made (a sample of each copy is
held against the indexer). Residents get a Chinese name and a village each. Indices are built at the end.

HOME is an ordinary SHANGYI_HOME afterwards: `SHANGYI_HOME=HOME shangyi serve`, or `benchmarks/search.py --home HOME`.
"""

import argparse
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from shangyi import store
from shangyi.fhir import json
from shangyi.store import frequency, keys
from shangyi.store import rows as versions
from shangyi.store.body import strip
from shangyi.store.codec import Codec
from shangyi.store.load import load, rows
from shangyi.store.load.copy import into, joined
from shangyi.store.load.prepare import Prepared, Preparer
from shangyi.store.search import extract, index
from shangyi.store.search.extract import Extracted
from shangyi.store.search.index import DIVISION
from shangyi.store.types import NAMES, NUMBERS
from shangyi.synth import names

UUID = re.compile(rb"([0-9a-f]{8})(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
VILLAGES = [520999_001_001 + town * 1000 + village for town in range(12) for village in range(20)]
"""Division codes of a county that does not exist."""


def moved(text: bytes, copy: int) -> bytes:
    """The text with every UUID moved."""
    return UUID.sub(lambda match: b"%08x" % ((int(match[1], 16) + copy) & 0xFFFFFFFF), text)


class Template:
    """One resource of the first copy, taken apart into what all copies share and what has a UUID in it."""

    def __init__(self, type: str, id: str, body: bytes, patients: dict[int, str]) -> None:
        self.type, self.id = type, id.encode()
        self.resource: dict[str, Any] = json.loads(body)
        self.index, spelled = spelled_out({**self.resource, "resourceType": type, "id": id})
        self.area = index.area_of(self.resource)
        own = {token: text for token, text in spelled.items() if UUID.search("".join(text).encode())}
        self.shared = self.index.tokens - own.keys()
        self.own = [own[token] for token in self.index.tokens if token in own]
        self.patient = f"Patient/{patients[self.index.patient]}".encode() if self.index.patient else b""
        pieces = UUID.split(json.dumps(self.resource))
        self.pieces, self.numbers = pieces[0::2], [int(digits, 16) for digits in pieces[1::2]]

    def body(self, copy: int) -> bytes:
        """As ``store.body.strip`` would make it."""
        parts = [self.pieces[0]]
        for number, piece in zip(self.numbers, self.pieces[1:], strict=True):
            parts += (b"%08x" % ((number + copy) & 0xFFFFFFFF), piece)
        return b"".join(parts)

    def row(self, prepared: Prepared, preparer: Preparer, copy: int) -> None:
        """Add the rows of this resource in a copy."""
        id, body = moved(self.id, copy).decode(), self.body(copy)
        if self.type == "Patient":
            patient = resident({**json.loads(body), "resourceType": "Patient", "id": id})
            return preparer.row(prepared, patient, strip(patient))
        found, base = Extracted(), self.index
        found.code, found.date = base.code, base.date
        found.dates, found.numbers, found.strings = base.dates, base.numbers, base.strings
        found.patient = keys.key(moved(self.patient, copy).decode()) if self.patient else 0
        found.tokens = self.shared | {
            keys.token_bytes(kind, parameter, moved(value.encode(), copy).decode())
            for kind, parameter, value in self.own
        }
        preparer.row_of(prepared, self.type, id, body, found, self.area)


def spelled_out(resource: dict[str, Any]) -> tuple[Extracted, dict[bytes, tuple[str, str, str]]]:
    """The search values of a resource, and what each of its tokens is made of."""
    spelled: dict[bytes, tuple[str, str, str]] = {}
    original = keys.token_bytes

    def token(kind: str, parameter: str, value: str) -> bytes:
        found = original(kind, parameter, value)
        spelled[found] = (kind, parameter, value)
        return found

    with patch.object(keys, "token_bytes", token):
        return index.extracted(resource), spelled


def resident(patient: dict[str, Any]) -> dict[str, Any]:
    """A Patient of a Chinese county."""
    random = Random(patient["id"])
    year = int(patient["birthDate"][:4])
    family = names.surname(random)
    given = names.given_name(random, "female" if patient.get("gender") == "female" else "male", year)
    patient["name"] = [{"use": "official", "text": family + given, "family": family, "given": [given]}]
    code = str(random.choice(VILLAGES))
    division = {"url": DIVISION, "valueCoding": {"code": code}}
    patient["address"] = [{"use": "home", "text": code, "extension": [division]}]
    return patient


def templates(connection: Any, codec: Codec) -> list[Template]:
    """Of all current resources."""
    found = versions.versions(
        codec, connection,
        connection.execute(
            f"select {versions.COLUMNS} from search s join resource r on r.rid = s.rid and r.version = s.version"
        ).fetchall(),
    )  # fmt: skip
    patients = {keys.rid("Patient", v.id): v.id for v in found if v.type == "Patient"}
    made = []
    index._tree.cache_clear()
    stack = patch.object(extract, "_remembering", lambda make: make)  # each token is to be spelled out
    stack.start()
    for version in found:
        kept = dict(version.resource)
        kept.pop("resourceType"), kept.pop("id")
        meta = {k: v for k, v in kept.pop("meta").items() if k not in ("versionId", "lastUpdated")}
        body = json.dumps({"meta": meta, **kept} if meta else kept)
        made.append(Template(version.type, version.id, body, patients))
    stack.stop()
    index._tree.cache_clear()
    return made


def check(template: Template, preparer: Preparer, copy: int) -> None:
    """The rows of a copy are those that the loader would make."""
    resource = json.loads(moved(json.dumps(template.resource), copy))
    resource |= {"resourceType": template.type, "id": moved(template.id, copy).decode()}
    if template.type == "Patient":
        resource = resident(resource)
    ours, its = Prepared(), Prepared()
    template.row(ours, preparer, copy)
    preparer.row(its, resource, strip(resource))
    assert ours == its, f"{template.type}/{template.id.decode()} in copy {copy}"


def indices(connection: Any) -> list[str]:
    """Drop all indices of the record's tables; the statements that make them again."""
    tables = [*(table.split()[0] for table in rows.TABLES.values())]
    again = []
    for name, table, text in connection.execute(
        "select conname, conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid::regclass::text = any(%s) and contype = 'p'", [tables]
    ).fetchall():  # fmt: skip
        connection.execute(f"alter table {table} drop constraint {name}")
        again.append(f"alter table {table} add constraint {name} {text}")
    for name, text in connection.execute(
        "select indexname, indexdef from pg_indexes where tablename = any(%s)", [tables]
    ).fetchall():
        connection.execute(f"drop index {name}")
        again.append(text)
    return again


def write(connection: Any, prepared: Prepared, updated: datetime) -> None:
    """By binary COPY."""
    when, all_of_it = keys.microseconds(updated), range(len(prepared.rids))
    into(connection, "resource", joined(rows.version_head(when, 1, b"c"), prepared.versions, all_of_it))
    into(connection, "search", joined(rows.search_head(when, 1), prepared.searches, all_of_it))
    for name in ("dates", "numbers", "strings"):
        into(connection, name, getattr(prepared, name))


def main() -> None:
    """Make it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("home", type=Path)
    parser.add_argument("--copies", type=int, default=130)
    given = parser.parse_args()
    start = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - start:7.1f} s  {text}", flush=True)

    with store.open(home=given.home, server_settings={"max_wal_size": "8GB"}) as opened:
        report = load(opened, [given.folder])
        say(f"{report.added} resources loaded, {report.refused} refused")
        preparer = Preparer(opened.codec)
        with opened.pool.connection() as connection:
            made = templates(connection, opened.codec)
        for number, template in enumerate(made):
            if number % 97 == 0 or template.type == "Patient":
                check(template, preparer, 1 + number % given.copies)
        say(f"{len(made)} templates")
        with opened.pool.connection() as connection:
            connection.execute("set synchronous_commit = off")
            connection.execute("set maintenance_work_mem = '1GB'")
            # the first copy's residents get their Chinese names too
            again = indices(connection)
            connection.execute("truncate search, resource, search_date, search_number, search_string")
            connection.commit()
            for copy in range(given.copies):
                prepared = Prepared()
                for template in made:
                    template.row(prepared, preparer, copy)
                write(connection, prepared, datetime.now(UTC))
                connection.commit()
                if copy % 10 == 9:
                    say(f"{(copy + 1) * len(made)} resources")
            for statement in again:
                connection.execute(statement)
                say(statement.split(" USING ")[0])
            connection.commit()
            connection.autocommit = True
            connection.execute("vacuum analyze")
            connection.autocommit = False
            frequency.refresh(connection)
            connection.commit()
        say("done")
        assert {t.type for t in made} <= set(NUMBERS) <= set(NAMES)


if __name__ == "__main__":
    main()
