"""Up to where a lake says what its store said, and whether the store is still the one it was built of.

``source`` of a manifest: the cursor in the outbox, the same as a snapshot of PostgreSQL (what it sees is the lake's
content, to the last version), and by what the store is known again: the database, and the newest version taken in. A store that was restored
from a backup, or set back, has another database or has not that version.
"""

from typing import Any

import psycopg

BEGINNING = -(2**63)
"""Before every ``rid``: a cursor always stands between two transactions."""


def source(connection: psycopg.Connection[Any], snapshot: str, bound: str) -> dict[str, str]:
    """What to write into the manifest of a lake that holds all below the transaction ``bound`` and what ``snapshot`` sees."""
    return {
        "kind": "store",
        "snapshot": snapshot,
        "cursor": f"{bound}.{BEGINNING}.0",
        "origin": _origin(connection),
        "witness": _witness(connection, snapshot),
    }


def _origin(connection: psycopg.Connection[Any]) -> str:
    """The database, and its cluster where this account may ask for it."""
    [(database, allowed)] = connection.execute(
        "select oid::text, has_function_privilege('pg_control_system()', 'execute')"
        " from pg_database where datname = current_database()"
    ).fetchall()
    if not allowed:
        return str(database)
    [(cluster,)] = connection.execute("select system_identifier::text from pg_control_system()").fetchall()
    return f"{cluster}.{database}"


def _witness(connection: psycopg.Connection[Any], snapshot: str) -> str:
    row = connection.execute(
        "select xid::text, rid::text, version::text, extract(epoch from updated)::text from resource"
        " where pg_visible_in_snapshot(xid, %s::pg_snapshot) order by resource.xid desc limit 1",
        [snapshot],
    ).fetchone()
    return " ".join(row) if row else ""


def known(connection: psycopg.Connection[Any], source: dict[str, str]) -> bool:
    """Whether this store is the one that the lake follows."""
    if source.get("origin") != _origin(connection):
        return False
    if not source["witness"]:
        return True
    xid, rid, version, updated = source["witness"].split(" ")
    row = connection.execute(
        "select xid::text, extract(epoch from updated)::text from resource where rid = %s and version = %s",
        [int(rid), int(version)],
    ).fetchone()
    return row == (xid, updated)


def transaction(source: dict[str, str]) -> str:
    """The first transaction that is not wholly in the lake."""
    return source["cursor"].partition(".")[0]


def advanced(snapshot: str, bound: str) -> str:
    """The snapshot that sees what ``snapshot`` sees and all transactions below ``bound``."""
    _, xmax, running = snapshot.split(":")
    waiting = [xid for xid in running.split(",") if xid and int(xid) >= int(bound)]
    last = max(int(xmax), int(bound))
    return f"{waiting[0] if waiting else last}:{last}:{','.join(waiting)}"
