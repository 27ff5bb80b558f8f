"""Views that are kept as Parquet beside the lake: read instead of computed, and never behind it.

What a view gives of a file of the lake is kept in a file of its own, which the manifest names. Files of the lake do not
change, so neither do these: a reader takes what is kept for the files of its version, leaves out the rows that are
superseded in that version by their number, and computes the view over the files for which nothing is kept yet. So the
rows are at every instant those of the view run afresh. ``materialisation`` makes the files.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from shangyi.lake.catalog import Lake
from shangyi.lake.row_view import HOME, PATIENT, RowView
from shangyi.lake.type_files import TypeFiles

EVERY_ROW = 10**12
"""More rows than any table has. Below a LIMIT no condition of the text is evaluated, so that no error, and no time, can
tell of rows outside an area."""


class Within(NamedTuple):
    """The rows that may be seen: a condition on the columns of a type, and the same on kept rows."""

    resources: str
    kept: str


def paths(lake: Lake) -> list[Path]:
    """Every file of kept rows."""
    return [
        lake.directory / file.path for view in lake.manifest.views.values() for file in view.files.values()
    ]


def found(lake: Lake, view: RowView) -> dict[Path, Path]:
    """The files of rows that are kept of this very view, whatever it is called, by the file of the lake."""
    if not lake.manifest.views or view.type not in lake.manifest.types:
        return {}
    here = set(lake.files(view.type))
    kept = (kept for kept in lake.manifest.views.values() if kept.files and kept.key == view.key)
    files = next(kept, None)
    pairs = files.files.items() if files else ()
    places = {lake.directory / path: lake.directory / file.path for path, file in pairs}
    return {path: place for path, place in places.items() if path in here}


def rows(view: RowView, kept: dict[Path, Path], files: TypeFiles, within: Within | None = None) -> str:
    """The query of a view: what is kept, and the rest computed. ``within``: by default everything."""
    text = files.alive(_chosen(view.columns, PATIENT, HOME), kept)
    where = f" where {within.kept}" if within else ""
    parts = [f"select {_chosen(view.columns)} from ({text}){where}"]
    missing = [path for path in files.files if path not in kept]
    if missing:
        source = files.relation(missing)
        if within:
            source = f"select * from ({source}) where {within.resources} limit {EVERY_ROW}"
        parts.append(f"select {_chosen(view.columns)} from ({view.sql(f'({source})')})")
    return " union all ".join(parts)


def _chosen(columns: Sequence[str], *beside: str) -> str:
    return ", ".join([*(f'"{name}"' for name in columns), *beside])
