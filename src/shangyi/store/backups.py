"""Backup and restore: one file with every table, verified by content hash.

A ZIP with one member a table (``<table>.copy.zst``: PostgreSQL's binary COPY under zstd) and ``manifest.json``, which
holds for each its columns, size and SHA-256 (of the unpacked bytes), and which migrations the database had. It holds
all versions, dictionaries, accounts and audit; not what is derived or of this cluster only (transaction numbers,
positions of outbox readers, frequencies). The file stands under its name only when it is complete.
"""

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import psycopg
import zstandard
from psycopg import sql

from shangyi import __version__
from shangyi.errors import Conflict, Invalid, Misconfigured
from shangyi.store import frequency, rebuild
from shangyi.store.database import Store
from shangyi.store.migrate import migrations

FORMAT = 1
LEFT_OUT = (
    "migration",
    "frequency",
    "outbox_cursor",
    "standing",
    "standing_state",
    "indicator",
    "measure_result",
    "measure_run",
)
CLUSTER_ONLY = {("resource", "xid")}
PIECE_BYTES = 1 << 20
MANIFEST = "manifest.json"

Told = Callable[[str, int], None]
"""Table and bytes so far."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table in a backup."""

    name: str
    columns: tuple[str, ...]
    size: int = 0
    sha256: str = ""

    @property
    def member(self) -> str:
        """Its name in the file."""
        return f"{self.name}.copy.zst"


def backup(store: Store, target: Path, progress: Told | None = None) -> list[Table]:
    """Write the whole store, as of one instant, to ``target``; readable by its owner only."""
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            done = _write(store, file, progress)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    part.replace(target)
    return done


def _write(store: Store, file: IO[bytes], progress: Told | None) -> list[Table]:
    with store.pool.connection() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        done: list[Table] = []
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            done.extend(_save(connection, archive, table, progress) for table in tables(connection))
            applied = [row[0] for row in connection.execute("select number from migration order by number")]
            manifest = {
                "format": FORMAT,
                "shangyi": __version__,
                "created": datetime.now(UTC).isoformat(),
                "migrations": applied,
                "tables": [
                    {"name": t.name, "columns": list(t.columns), "size": t.size, "sha256": t.sha256}
                    for t in done
                ],
            }
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
    file.flush()
    os.fsync(file.fileno())
    return done


def tables(connection: psycopg.Connection) -> list[Table]:
    """All tables to save, a table after those that it refers to."""
    columns = connection.execute(
        "select c.relname, array_agg(a.attname order by a.attnum) from pg_class c"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''"
        " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
        " and c.relpersistence = 'p' group by c.relname order by c.relname"
    ).fetchall()
    refers = connection.execute(
        "select conrelid::regclass::text, confrelid::regclass::text from pg_constraint where contype = 'f'"
    ).fetchall()
    waiting = {
        name: {b for a, b in refers if a == name and b != name} for name, _ in columns if name not in LEFT_OUT
    }
    by_name: dict[str, list[str]] = dict(columns)
    ordered: list[Table] = []
    while waiting:
        ready = [name for name, needs in waiting.items() if not needs & waiting.keys()] or list(waiting)
        for name in ready:
            del waiting[name]
            kept = tuple(column for column in by_name[name] if (name, column) not in CLUSTER_ONLY)
            ordered.append(Table(name, kept))
    return ordered


def _save(
    connection: psycopg.Connection, archive: zipfile.ZipFile, table: Table, progress: Told | None
) -> Table:
    state, size = sha256(), 0
    names = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    query = sql.SQL("copy (select {} from {}) to stdout (format binary)").format(
        names, sql.Identifier(table.name)
    )
    with archive.open(table.member, "w", force_zip64=True) as member:
        writer = zstandard.ZstdCompressor(level=3).stream_writer(member, closefd=False)
        with writer, connection.cursor() as cursor, cursor.copy(query) as copy:
            for piece in copy:
                data = bytes(piece)
                state.update(data)
                size += len(data)
                writer.write(data)
                if progress:
                    progress(table.name, size)
    return Table(table.name, table.columns, size, state.hexdigest())


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        manifest = json.loads(archive.read(MANIFEST))
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise Invalid("This is no complete backup of Shangyi") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Invalid("The backup is of a format that this release does not know")
    return manifest


def _opened(source: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except (OSError, zipfile.BadZipFile) as error:
        raise Invalid("This is no complete backup of Shangyi") from error


def _pieces(archive: zipfile.ZipFile, table: Table) -> Iterator[bytes]:
    try:
        with archive.open(table.member) as member:
            reader = zstandard.ZstdDecompressor().stream_reader(member)
            while piece := reader.read(PIECE_BYTES):
                yield piece
    except (KeyError, zipfile.BadZipFile, zstandard.ZstdError, EOFError) as error:
        raise Invalid("The backup is damaged at {table}", table=table.name) from error


def verify_backup(source: Path, progress: Told | None = None) -> list[Table]:
    """Read all of a backup and hold it against its manifest. Raises Invalid."""
    with _opened(source) as archive:
        listed = [
            Table(t["name"], tuple(t["columns"]), t["size"], t["sha256"])
            for t in _manifest(archive)["tables"]
        ]
        for table in listed:
            state, size = sha256(), 0
            for piece in _pieces(archive, table):
                state.update(piece)
                size += len(piece)
                if progress:
                    progress(table.name, size)
            if (size, state.hexdigest()) != (table.size, table.sha256):
                raise Invalid("The backup is damaged at {table}", table=table.name)
    return listed


def restore(store: Store, source: Path, progress: Told | None = None) -> list[Table]:
    """Put a backup into an empty store: verified first, then in one transaction. Raises Invalid, Conflict."""
    listed = verify_backup(source)
    with _opened(source) as archive, store.pool.connection() as connection:
        known = {migration.number for migration in migrations()}
        newer = [number for number in _manifest(archive)["migrations"] if number not in known]
        if newer:
            raise Misconfigured("The backup is of a newer release of Shangyi; install that one")
        if connection.execute("select exists (select from resource)").fetchone() != (False,):
            raise Conflict("The store is not empty; a backup is restored into an empty one only")
        here = {table.name for table in tables(connection)}
        for table in listed:
            if table.name not in here:
                raise Invalid("The backup holds a table that is not known: {table}", table=table.name)
        connection.execute("delete from index_layout")
        for table in listed:
            _load(connection, archive, table, progress)
        _set_sequences(connection)
    store.codec.load_fresh(store.pool)
    with store.pool.connection() as connection:
        rebuild.bring_up(connection, store.codec)
        frequency.refresh(connection)
    return listed


def _load(
    connection: psycopg.Connection, archive: zipfile.ZipFile, table: Table, progress: Told | None
) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    target = sql.Identifier(table.name)
    merge = connection.execute(sql.SQL("select exists (select from {})").format(target)).fetchone() == (True,)
    if merge:  # accounts or audit of the new store: they stay, what the backup has besides comes in
        target = sql.Identifier("restored")
        made = "create temporary table restored on commit drop as select {} from {} with no data"
        connection.execute(sql.SQL(made).format(names, sql.Identifier(table.name)))
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(target, names)
    size = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for piece in _pieces(archive, table):
            copy.write(piece)
            size += len(piece)
            if progress:
                progress(table.name, size)
    if merge:
        into = "insert into {} ({}) overriding system value select {} from restored on conflict do nothing"
        connection.execute(sql.SQL(into).format(sql.Identifier(table.name), names, names))
        connection.execute("drop table restored")


def _set_sequences(connection: psycopg.Connection) -> None:
    owned = connection.execute(
        "select s.oid::regclass::text, t.relname, a.attname from pg_class s"
        " join pg_depend d on d.objid = s.oid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')"
        " join pg_class t on t.oid = d.refobjid join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid"
        " where s.relkind = 'S' and t.relnamespace = 'public'::regnamespace"
    ).fetchall()
    for sequence, table, column in owned:
        query = sql.SQL("select setval(%s::regclass, greatest((select max({}) from {}), 1))")
        connection.execute(query.format(sql.Identifier(column), sql.Identifier(table)), [sequence])
