"""Numbered migrations, applied at start: ``migrations/NNNN_name.sql``, each once, in one transaction together."""

import re
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources

import psycopg

from shangyi.errors import Misconfigured

LOCK = 0x5368616E67_7969  # "Shangyi"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. ``checksum`` is the SHA-256 of its text."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Of the text, as it is kept with what was applied."""
        return sha256(self.sql.encode("utf-8")).hexdigest()


def migrations() -> list[Migration]:
    """All migrations of this release, by number."""
    found = [
        Migration(int(match[1]), match[2], file.read_text(encoding="utf-8"))
        for file in resources.files("shangyi.store").joinpath("migrations").iterdir()
        if (match := re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name))
    ]
    return sorted(found, key=lambda migration: migration.number)


def migrate(connection: psycopg.Connection, known: list[Migration] | None = None) -> list[int]:
    """Bring the database to this release; the numbers applied now. Misconfigured when it is newer than the code.

    Numbers are not one sequence (packages have their own ranges), so whatever was not applied is applied, in order.
    """
    wanted = migrations() if known is None else known
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        connection.execute(
            "create table if not exists migration (number integer primary key, name text not null,"
            " checksum text not null, applied timestamptz not null default now())"
        )
        applied = {
            row[0]: row[1:] for row in connection.execute("select number, name, checksum from migration")
        }
        by_number = {migration.number: migration for migration in wanted}
        for number, (name, checksum) in sorted(applied.items()):
            if number not in by_number:
                raise Misconfigured(
                    "The database is newer than this release of Shangyi (it has {number} {name}); install the newer one",
                    number=number,
                    name=name,
                )
            if by_number[number].checksum != checksum:
                raise Misconfigured(
                    "Migration {number} {name} is not what was applied to the database",
                    number=number,
                    name=name,
                )
        fresh = [migration for migration in wanted if migration.number not in applied]
        for migration in fresh:
            connection.execute(migration.sql.encode("utf-8"))
            connection.execute(
                "insert into migration (number, name, checksum) values (%s, %s, %s)",
                [migration.number, migration.name, migration.checksum],
            )
    return [migration.number for migration in fresh]
