"""How building, keeping current and asking grow with the population: figures as JSON, and the plot in docs/performance.md.

    PYTHONPATH=src python benchmarks/growth.py measure /tmp/county20000 /tmp/grow [--residents 10000 100000 1000000] > figures.json
    PYTHONPATH=src python benchmarks/growth.py plot figures.json docs/growth.svg

Lakes as `benchmarks/replicas.py` makes them, left in the directory and taken again from there. One thread; CPU of the process. *change*: the step that
takes 1,000 changed observations into the lake, without what the record does for it. *refresh*: bringing two kept views up
to date after it. *cohort*: distinct residents with a code that one in a hundred has. *view*: mean value by code over the view
`observation`, computed; *kept*: the same of the view as it is kept.
"""

import argparse
import json
import math
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from replicas import build

from shangyi import lake
from shangyi.lake import manifest, materialisation, sync, writer
from shangyi.lake.intake import Batch
from shangyi.store import keys

CHANGED = 1000
KEPT = ("condition", "observation")
MEAN = "select code, avg(value) from views.observation group by 1"
SERIES = {
    "build": "build 建立", "keep": "keep 2 views 保存", "view": "view 视图", "kept": "kept view 已保存",
    "change": "change 1,000 变更", "refresh": "refresh 更新", "cohort": "cohort 队列",
}  # fmt: skip
COLOURS = ("#1f3a5f", "#4a6fa5", "#8a5a44", "#c08552", "#3f6b57", "#7a9e7e", "#7b4b94")


def cpu(work: Callable[[], object], rounds: int = 1) -> float:
    """The median of seconds of CPU."""
    took = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return statistics.median(took)


def change(directory: Path) -> float:
    """What a step of following does for changed observations once the record has given them (``lake.sync``), in seconds."""
    with lake.open(directory) as opened, lake.DuckDBEngine(opened, threads=1) as engine:
        ids = engine.sql('select id from "Observation" using sample 4096 rows')["id"].to_pylist()
    chosen = random.Random(1).sample(ids, CHANGED)
    with lake.DuckDBEngine(lake.open(directory), threads=1) as engine:
        rows = engine.sql(
            'select id, patient_key from "Observation" where id in (select unnest(?))', [chosen]
        ).to_pylist()
    lines = [
        json.dumps({"resourceType": "Observation", "id": row["id"], "status": "amended", "subject": {"reference": row["patient_key"]},
                    "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]}, "valueQuantity": {"value": 37}}).encode()
        for row in rows
    ]  # fmt: skip
    start = time.process_time()
    with writer.rewriting(directory) as scratch:
        before = manifest.read(directory)
        assert before is not None
        made = writer.Build(directory, scratch, before, before.buckets)
        new = made.files([Batch("Observation", lines, [""] * len(lines))])["Observation"]
        old = before.types["Observation"]
        former = {row["id"]: bucket_of(row["patient_key"], before.buckets) for row in rows}
        types = {
            **before.types,
            "Observation": sync.superseding(directory, "Observation", old, new, former, made.version),
        }
        manifest.replace(
            directory, msgspec.structs.replace(before.with_types(made.version, types), schema=made.schema)
        )
    return time.process_time() - start


def bucket_of(patient: str, buckets: int) -> int:
    """The part of a resident's rows."""
    return keys.shard(keys.key(patient), 0) % buckets


def refreshed(directory: Path) -> None:
    """Whatever is not kept yet."""
    while materialisation.refresh(directory):
        pass


def measure(county: Path, directory: Path, residents: int) -> dict[str, Any]:
    """The figures of one size, times in seconds of CPU."""
    path = directory / f"growth-{residents}"
    built = path / "built.json"
    if not built.exists():
        built.write_text(json.dumps(build(county, path, residents)))
    found: dict[str, Any] = json.loads(built.read_text())
    found["build"] = found.pop("cpu_s")
    code = "http://hl7.org/fhir/sid/icd-10|E78.500"
    cohort = f"select count(distinct patient_key) from \"Condition\" where primary_code = '{code}'"
    with lake.DuckDBEngine(lake.open(path), threads=1) as engine:
        found["cohort"] = cpu(lambda: engine.sql(cohort), 7)
        found["view"] = cpu(lambda: engine.sql(MEAN), 1 if residents > 100_000 else 3)
    materialisation.keep(path, {name: {} for name in KEPT})
    found["keep"] = cpu(lambda: refreshed(path))
    with lake.DuckDBEngine(lake.open(path), threads=1) as engine:
        found["kept"] = cpu(lambda: engine.sql(MEAN), 5)
    found["change"] = change(path)
    found["refresh"] = cpu(lambda: refreshed(path))
    return found


def marks(low: float, high: float) -> Iterator[float]:
    """Powers of ten from one to the other."""
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        yield 10.0**power


def plot(figures: list[dict[str, Any]]) -> str:
    """Lines over residents, both scales logarithmic."""
    width, height, left, right, top, bottom = 760, 430, 64, 168, 24, 48
    sizes = [row["residents"] for row in figures]
    values = [row[name] for row in figures for name in SERIES]
    scale = list(marks(min(values), max(values)))

    def x(residents: float) -> float:
        return left + (width - left - right) * math.log(residents / sizes[0]) / math.log(sizes[-1] / sizes[0])

    def y(seconds: float) -> float:
        return top + (height - top - bottom) * math.log(scale[-1] / seconds) / math.log(scale[-1] / scale[0])

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" role="img">',
        "<title>CPU seconds by residents 处理器秒数与居民数</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for mark in scale:
        text = f"{mark:g} s" if mark >= 1 else f"{mark * 1000:g} ms"
        parts.append(f'<path d="M{left} {y(mark):.1f}H{width - right}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{left - 8}" y="{y(mark) + 4:.1f}" text-anchor="end" fill="#444">{text}</text>'
        )
    parts += [
        f'<text x="{x(size):.1f}" y="{height - bottom + 20}" text-anchor="middle" fill="#444">{size:,}</text>'
        for size in sizes
    ]
    parts.append(
        f'<text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle" fill="#444">residents 居民</text>'
    )
    free = -99.0
    for (name, label), colour in sorted(
        zip(SERIES.items(), COLOURS, strict=True), key=lambda item: y(figures[-1][item[0][0]])
    ):
        points = [(x(row["residents"]), y(row[name])) for row in figures]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}"/>'
        )
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
        free = max(points[-1][1] + 4, free + 15)
        parts.append(f'<text x="{width - right + 10}" y="{free:.1f}" fill="{colour}">{label}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """Measure or draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, dest="command")
    measuring = commands.add_parser("measure")
    measuring.add_argument("county", type=Path)
    measuring.add_argument("directory", type=Path)
    measuring.add_argument("--residents", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    drawing = commands.add_parser("plot")
    drawing.add_argument("figures", type=Path)
    drawing.add_argument("svg", type=Path)
    given = parser.parse_args()
    if given.command == "measure":
        print(
            json.dumps(
                [measure(given.county, given.directory, number) for number in given.residents], indent=1
            )
        )
    else:
        given.svg.write_text(plot(json.loads(given.figures.read_text())), encoding="utf-8")


if __name__ == "__main__":
    main()
