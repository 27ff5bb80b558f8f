"""What a command says: results on stdout (text, or one JSON object), notes and progress on stderr."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from shangyi.cli.text import t


def utf8() -> None:
    """Write UTF-8 whatever the locale says; never fail on a character."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="backslashreplace")


def note(text: str) -> None:
    """A line for the person, on stderr."""
    print(text, file=sys.stderr, flush=True)


def line(text: str = "") -> None:
    """A line of the result, on stdout."""
    print(text, flush=True)


def emit(data: Any) -> None:
    """The result for a script: JSON on stdout, indented for a terminal, on one line elsewhere."""
    indent = 2 if sys.stdout.isatty() else None
    print(json.dumps(data, ensure_ascii=False, indent=indent, default=str), flush=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """A table on stdout; numbers to the right."""
    from rich.console import Console
    from rich.table import Table

    cells = [list(row) for row in rows]
    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        number = bool(cells) and all(isinstance(row[index], int | float) for row in cells)
        drawn.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in cells:
        drawn.add_row(*(f"{c:,}" if isinstance(c, int) else "" if c is None else str(c) for c in row))
    Console(file=sys.stdout, highlight=False, markup=False, width=None if sys.stdout.isatty() else 200).print(
        drawn
    )


Update = Callable[..., None]
"""``update(done, total=None, note="")``: where the work stands."""


@contextmanager
def progress(label: str, unit: str = "", quiet: bool = False) -> Iterator[Update]:
    """Show how far something is: a bar with rate and time left on a terminal, else a line every ten seconds."""
    if quiet:
        yield lambda done, total=None, note="": None
    elif sys.stderr.isatty():
        with _bar(label, unit) as update:
            yield update
    else:
        with _lines(label, unit) as update:
            yield update


@contextmanager
def _bar(label: str, unit: str) -> Iterator[Update]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[count]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}", style="dim", markup=False),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=False) as shown:
        task = shown.add_task(label, total=None, count="", note="")
        started = time.monotonic()

        def update(done: float, total: float | None = None, note: str = "") -> None:
            rate = done / max(time.monotonic() - started, 1e-3)
            count = f"{done:,.0f} {unit} ({rate:,.0f}/s)" if unit else ""
            shown.update(task, completed=done, total=total, count=count, note=note)

        yield update
        for row in shown.tasks:
            shown.update(row.id, total=max(row.completed, 1), completed=max(row.completed, 1))


@contextmanager
def _lines(label: str, unit: str) -> Iterator[Update]:
    started = last = time.monotonic()
    state: dict[str, float] = {"done": 0}
    note(f"{label} …")

    def update(done: float, total: float | None = None, note_: str = "", **extra: str) -> None:
        nonlocal last
        state["done"] = done
        now = time.monotonic()
        if now - last < 10:
            return
        last = now
        share = f" ({done / total:.0%})" if total else ""
        remark = note_ or extra.get("note", "")
        note(f"{label}: {done:,.0f} {unit}{share}, {done / (now - started):,.0f}/s {remark}".rstrip())

    yield update
    took = time.monotonic() - started
    count = f"{state['done']:,.0f} {unit}, " if unit and state["done"] else ""
    note(t("{label}: done ({count}{seconds:.1f} s)", label=label, count=count, seconds=took))
