"""Where PostgreSQL of the tests keeps its files, and how a database is copied."""

import os
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from shangyi.store.embedded import Server

MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 << 30


def quick_place() -> str:
    """A directory in memory where there is one with room that programs may run from, else that of temporary files.

    To remove the hundred thousand files of a test run from a disk takes half a minute.
    """
    try:
        found = os.statvfs(MEMORY)
    except (OSError, AttributeError):
        return tempfile.gettempdir()
    roomy = found.f_bavail * found.f_frsize >= ROOM_BYTES and not found.f_flag & os.ST_NOEXEC
    return str(MEMORY) if roomy else "/tmp"


@dataclass(frozen=True)
class Databases:
    """The databases of a server; ``template`` is empty and migrated."""

    server: "Server"
    template: str

    def new(self, template: str | None = None) -> str:
        """How to reach a new database: a copy of ``template``, of the empty, migrated one where none is named."""
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(self.server.conninfo("postgres"), autocommit=True) as connection:
            # by its files: by the log, as PostgreSQL does it unasked, takes ten times as long
            connection.execute(
                f"create database {name} template {template or self.template} strategy file_copy".encode()
            )
        return self.server.conninfo(name)
