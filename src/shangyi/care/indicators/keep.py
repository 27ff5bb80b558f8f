"""Keeping who counts where: made once a day, then following the outbox a second behind, as ``care.standing`` does.

One process does it at a time (an advisory lock), for a quarter of a thread's time: the place in the outbox moves in the
transaction that writes, so a crash repeats work and loses none. Above ``MOST`` residents nothing is kept.
"""

import datetime as dt
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg

from shangyi.care.indicators.rates import TYPES, Rates, digest, ends
from shangyi.care.standing.facts import ZONE
from shangyi.errors import ShangyiError
from shangyi.fhir import json
from shangyi.store import keys, outbox
from shangyi.store.body import unpack_id
from shangyi.store.repository import Repository
from shangyi.store.types import NAMES, NUMBERS

log = logging.getLogger(__name__)
LOCK = 0x496E6469_6361746F  # "Indicato"
CHUNK = 40
"""Residents evaluated in one transaction: about half a second."""
CHANGES = 4000
EVERY_S = 1.0
MOST = 20_000
"""Residents up to which rates are kept live: a resident takes about 15 ms a day."""
PATIENT = NUMBERS["Patient"]


@dataclass(frozen=True, slots=True)
class Status:
    """``done`` of ``total`` residents while today's are made; ``too_many``: nothing is kept of so many residents."""

    done: int = 0
    total: int = 0
    too_many: bool = False

    @property
    def building(self) -> bool:
        """Whether numbers are still incomplete."""
        return self.total > 0


def _name(today: dt.date, building: bool = False) -> str:
    return f"indicator{'-building' if building else ''}:{digest()}:{today}"


def _residents(connection: psycopg.Connection) -> int:
    row = connection.execute("select count(*) from search where type = %s", [PATIENT]).fetchone()
    return int(row[0]) if row else 0


def status(connection: psycopg.Connection, today: dt.date) -> Status:
    """How far it is."""
    if outbox.position(connection, _name(today)) is not None:
        return Status()
    total = _residents(connection)
    if total > MOST:
        return Status(too_many=True)
    at = outbox.position(connection, _name(today, building=True))
    done = 0
    if at is not None:
        row = connection.execute(
            "select count(*) from search where type = %s and rid <= %s", [PATIENT, int(at.split(".")[1])]
        ).fetchone()
        done = row[0] if row else 0
    return Status(done, max(total, 1))


class Keeper:
    """What one process keeps of it between steps."""

    def __init__(self, records: Repository) -> None:
        self._records = records
        self._rates: tuple[dt.date, Rates] | None = None

    def catch_up(self, today: dt.date | None = None, pause: threading.Event | None = None) -> int:
        """Everything that is new now; how many residents were evaluated."""
        evaluated = 0
        while True:
            started = time.monotonic()
            with self._records.transaction_connection() as connection:
                locked = connection.execute("select pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()
                if not locked or not locked[0]:
                    return evaluated
                number, more = self._step(connection, today or dt.datetime.now(ZONE).date())
                evaluated += number
            if not more or (pause is not None and pause.wait(3 * (time.monotonic() - started))):
                return evaluated

    def _step(self, connection: psycopg.Connection, today: dt.date) -> tuple[int, bool]:
        cursor = outbox.position(connection, _name(today))
        if cursor:
            return self._follow(connection, cursor, today)
        if _residents(connection) > MOST:
            return 0, False
        return self._build(connection, today)

    def _build(self, connection: psycopg.Connection, today: dt.date) -> tuple[int, bool]:
        at = outbox.position(connection, _name(today, building=True))
        if at is None:
            connection.execute("delete from outbox_cursor where name like 'indicator%%'")
            row = connection.execute("select pg_snapshot_xmin(pg_current_snapshot())::text").fetchone()
            assert row is not None
            at = f"{row[0]}.{keys.NO_DATE}.0"
        xid, last, _ = at.split(".")
        rids = [
            row[0]
            for row in connection.execute(
                "select rid from search where type = %s and rid > %s order by rid limit %s",
                [PATIENT, int(last), CHUNK],
            )
        ]
        self._write(connection, rids, today)
        if len(rids) < CHUNK:
            connection.execute("delete from indicator where ends <> all(%s)", [ends(today)])
            outbox.advance(connection, _name(today), f"{xid}.{keys.NO_DATE}.0")
            connection.execute("delete from outbox_cursor where name = %s", [_name(today, building=True)])
            connection.execute("analyze indicator")
        else:
            outbox.advance(connection, _name(today, building=True), f"{xid}.{rids[-1]}.0")
        return len(rids), True

    def _follow(self, connection: psycopg.Connection, cursor: str, today: dt.date) -> tuple[int, bool]:
        """Those whose record changed. A resource's shard is its resident's, also once it is deleted."""
        found = outbox.touched(connection, cursor, CHANGES)
        if found is None:
            return 0, False
        connection.execute("delete from indicator where shard = any(%s)", [found.shards])
        for start in range(0, len(found.residents), CHUNK):
            self._write(connection, found.residents[start : start + CHUNK], today)
        outbox.advance(connection, _name(today), found.cursor)
        return len(found.residents), found.more

    def _write(self, connection: psycopg.Connection, rids: Sequence[int], today: dt.date) -> None:
        shards = sorted({keys.shard(rid, rid) for rid in rids})
        connection.execute(
            "delete from indicator where rid = any(%s) and shard = any(%s)", [list(rids), shards]
        )
        rates, rows = self._of(today), list[list[Any]]()
        for rid, resources in gather(connection, self._records, rids).items():
            patient = next((r for r in resources if r["resourceType"] == "Patient"), None)
            if patient is None or patient.get("active") is False:
                continue
            rows += [
                [
                    rid, found.ends, keys.shard(rid, rid), found.grade, found.met, found.measure,
                    found.part, msgspec.json.encode(found.facts).decode(),
                ]
                for found in rates.standings(f"Patient/{patient['id']}", resources)
            ]  # fmt: skip
        with connection.cursor().copy(
            "copy indicator (rid, ends, shard, grade, met, measure, part, facts) from stdin"
        ) as copy:
            for row in rows:
                copy.write_row(row)

    def _of(self, today: dt.date) -> Rates:
        if self._rates is None or self._rates[0] != today:
            self._rates = (
                today,
                Rates(ends(today), dt.datetime.now(ZONE)),
            )
        return self._rates[1]

    def follow(self, ended: threading.Event) -> None:
        """Catch up, again and again, until ``ended``: what the server runs in the background."""
        while not ended.wait(EVERY_S):
            try:
                self.catch_up(pause=ended)
            except (ShangyiError, psycopg.Error) as error:
                log.warning("indicators could not be kept: %s", type(error).__name__)


def gather(
    connection: psycopg.Connection, records: Repository, rids: Sequence[int]
) -> dict[int, list[dict[str, Any]]]:
    """What the Measures read of each of these residents."""
    rows = connection.execute(
        "select s.patient, s.type, r.id, r.coding, r.body from search s join resource r"
        " on r.rid = s.rid and r.version = s.version and r.shard = s.shard"
        " where s.patient = any(%s) and s.type = any(%s)",
        [list(rids), [NUMBERS[name] for name in TYPES]],
    ).fetchall()
    if not all(records.codec.knows(row[3]) for row in rows):
        records.codec.load(connection)
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for patient, type, id, coding, body in rows:
        resource = json.decode(records.codec.unpack(coding, body))
        found[patient].append({"resourceType": NAMES[type], "id": unpack_id(id), **resource})
    return found
