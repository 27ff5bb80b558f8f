"""A load as it is kept on disk."""

import datetime as dt
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from shangyi.errors import NotFound

RUNNING = ("waiting", "running")
ID = re.compile(r"[0-9]{14}-[0-9a-f]{8}")
KEPT = 100
"""Loads that are remembered."""


@dataclass
class Job:
    """A load. ``files``: name and bytes; ``total``: unpacked bytes as far as known; ``problem``: an English text."""

    id: str
    account: str
    who: str
    created: str
    files: list[tuple[str, int]]
    status: str = "waiting"
    total: int = 0
    bytes: int = 0
    resources: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    seconds: float = 0.0
    attempts: int = 0
    problem: str = ""
    types: dict[str, int] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether it is not over."""
        return self.status in RUNNING

    @property
    def share(self) -> float | None:
        """How much is read, 0 to 1; None where the size is unknown."""
        return min(1.0, self.bytes / self.total) if self.total else None


class Jobs:
    """The directory of loads."""

    def __init__(self, home: Path) -> None:
        self.directory = home / "uploads"

    def create(self, account: str, who: str) -> Job:
        """A new one, with an empty directory for its files."""
        now = dt.datetime.now(dt.UTC)
        job = Job(
            f"{now:%Y%m%d%H%M%S}-{secrets.token_hex(4)}", account, who, now.isoformat(timespec="seconds"), []
        )
        self.directory.mkdir(mode=0o700, exist_ok=True)
        (self.place(job.id) / "files").mkdir(mode=0o700, parents=True)
        return job

    def place(self, id: str) -> Path:
        """Its directory. NotFound for what is no id."""
        if not ID.fullmatch(id):
            raise NotFound("There is no such load")
        return self.directory / id

    def write(self, job: Job) -> None:
        """Keep the state, whole or not at all."""
        part = self.place(job.id) / "state.part"
        part.write_text(json.dumps(asdict(job), ensure_ascii=False), encoding="utf-8")
        os.replace(part, part.with_name("state.json"))

    def read(self, id: str) -> Job:
        """The state. Raises NotFound."""
        try:
            kept = json.loads((self.place(id) / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise NotFound("There is no such load") from None
        return Job(**{**kept, "files": [(name, size) for name, size in kept["files"]]})

    def every(self) -> list[Job]:
        """All of them, newest first."""
        found = []
        for place in sorted(self.directory.iterdir(), reverse=True) if self.directory.is_dir() else ():
            try:
                found.append(self.read(place.name))
            except NotFound:
                continue
        return found

    def cancel(self, id: str) -> None:
        """Ask its process to stop after the present chunk."""
        if self.read(id).running:
            (self.place(id) / "cancel").touch()

    def cancelled(self, id: str) -> bool:
        """Whether somebody asked for it."""
        return (self.place(id) / "cancel").exists()

    def discard(self, id: str) -> None:
        """Remove it and its files."""
        shutil.rmtree(self.place(id), ignore_errors=True)

    def finish(self, job: Job) -> None:
        """Keep the end; the files, which hold persons, go."""
        shutil.rmtree(self.place(job.id) / "files", ignore_errors=True)
        self.write(job)
        for old in self.every()[KEPT:]:
            if not old.running:
                self.discard(old.id)

    def refuse(self, id: str, rows: list[dict[str, Any]]) -> None:
        """Add to what was refused."""
        with (self.place(id) / "refused.ndjson").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

    def refused(self, id: str) -> Iterator[dict[str, Any]]:
        """What was refused: source, place, reference, issues (text and args); each once, whatever the attempts."""
        seen: set[int] = set()
        path = self.place(id) / "refused.ndjson"
        if not path.exists():
            return
        with path.open(encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n") and hash(line) not in seen:
                    seen.add(hash(line))
                    yield json.loads(line)
