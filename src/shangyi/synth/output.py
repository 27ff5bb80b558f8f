"""The county as JSON lines and as files, made by several processes at once."""

import json as plain
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import date
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO

import yaml  # type: ignore[import-untyped]

from shangyi.fhir import json
from shangyi.synth import stream
from shangyi.synth.county import geojson
from shangyi.synth.daily import write_tables
from shangyi.synth.residents import Request
from shangyi.synth.truth import truth

Line = tuple[str, bytes]
Progress = Callable[[int, int], None]


def _part(asked: Request, part: stream.Part) -> list[Line]:
    return [(resource["resourceType"], json.dumps(resource)) for resource in stream.make(asked, part)]


def _leave_interrupts() -> None:
    """Ctrl-C at the terminal is for the process that asked; it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _parts(asked: Request, processes: int) -> Iterator[list[Line]]:
    """Each part's lines in order; never more parts ahead than twice the processes."""
    work = iter(stream.parts(asked))
    if processes < 2:
        yield from (_part(asked, part) for part in work)
        return
    # spawn: a server or a loader with threads must not be forked
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_leave_interrupts
    ) as pool:
        waiting = [pool.submit(_part, asked, part) for part in islice(work, 2 * processes)]
        while waiting:
            done = waiting.pop(0).result()
            waiting += [pool.submit(_part, asked, part) for part in islice(work, 1)]
            yield done


def lines(
    residents: int = 2000,
    seed: int = 7,
    until: date | None = None,
    *,
    processes: int = 1,
    progress: Progress | None = None,
) -> Iterator[Line]:
    """(resource type, JSON without line end) in the order of ``generate``.

    ``progress(done, total)`` is called after each part. Same output whatever the number of processes.
    """
    asked = stream.request(residents, seed, until)
    total = len(stream.parts(asked))
    for done, part in enumerate(_parts(asked, processes), 1):
        yield from part
        if progress:
            progress(done, total)


def write(
    out_dir: Path,
    residents: int = 2000,
    seed: int = 7,
    until: date | None = None,
    progress: Progress | None = None,
    processes: int = 1,
) -> dict[str, int]:
    """Writes ``<Type>.ndjson`` for each type, the map, the tables and the truth; returns resources by type."""
    out_dir.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        for kind, body in lines(residents, seed, until, processes=processes, progress=progress):
            if kind not in files:
                files[kind] = stack.enter_context((out_dir / f"{kind}.ndjson").open("wb"))
            files[kind].write(body + b"\n")
            counts[kind] = counts.get(kind, 0) + 1
    (out_dir / "boundaries.geojson").write_text(plain.dumps(geojson(), ensure_ascii=False), encoding="utf-8")
    asked = stream.request(residents, seed, until)
    (out_dir / "truth").mkdir(exist_ok=True)
    hidden = truth(asked.seed, asked.first, asked.last)
    # YAML, so that `shangyi load` of the folder does not take it for a record
    with (out_dir / "truth" / "outbreaks.yaml").open("w", encoding="utf-8") as file:
        yaml.safe_dump(hidden, file, allow_unicode=True, sort_keys=False)
    write_tables(out_dir, asked.seed, asked.first, asked.last)
    return counts
