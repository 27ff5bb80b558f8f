"""Queries that somebody who analyses keeps under a name: their own, in a file of the home, nobody else's to see."""

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

from shangyi.access import Principal
from shangyi.errors import Invalid, NotFound, TooLarge
from shangyi.store.embedded.lease import exclusively

MOST, LONGEST_NAME, LONGEST_TEXT = 100, 80, 65_536


class Saved(NamedTuple):
    """A query. ``number``: for addresses, which hold neither its name nor its text."""

    number: int
    name: str
    text: str


class SavedQueries:
    """Of one account or token."""

    def __init__(self, home: Path, who: Principal) -> None:
        self._path = home / "queries" / f"{re.sub(r'[^A-Za-z0-9]+', '-', who.id)}.json"

    def every(self) -> list[Saved]:
        """All of them by name."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        return sorted((Saved(*item) for item in kept), key=lambda saved: saved.name)

    def get(self, number: int) -> Saved:
        """One of them. NotFound."""
        for saved in self.every():
            if saved.number == number:
                return saved
        raise NotFound("There is no such query any more")

    def keep(self, name: str, text: str) -> Saved:
        """Keep a query; it takes the place of one of the same name."""
        name = " ".join(name.split())
        if not 0 < len(name) <= LONGEST_NAME:
            raise Invalid("Give the query a name of at most {most} characters", most=LONGEST_NAME)
        if not 0 < len(text) <= LONGEST_TEXT:
            raise Invalid("A query has at most {most} characters", most=LONGEST_TEXT)
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        with exclusively(self._path.with_suffix(".lock")):
            former = self.every()
            others = [saved for saved in former if saved.name != name]
            if len(others) >= MOST:
                raise TooLarge("You have {most} queries: remove one first", most=MOST)
            number = next((saved.number for saved in former if saved.name == name), 0)
            made = Saved(number or max((saved.number for saved in former), default=0) + 1, name, text)
            self._write([*others, made])
            return made

    def remove(self, number: int) -> None:
        """Forget one; it need not be there."""
        if not self._path.exists():
            return
        with exclusively(self._path.with_suffix(".lock")):
            self._write([saved for saved in self.every() if saved.number != number])

    def _write(self, saved: list[Saved]) -> None:
        part = self._path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(saved, file, ensure_ascii=False)
        os.replace(part, self._path)
