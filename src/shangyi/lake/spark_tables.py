"""The tables of a lake in a Spark session: each type's columns and the flat ones, without the superseded rows.

The schema is the manifest's and never inferred, so that files written before a column was there have it as null.
"""

import re
from pathlib import Path
from typing import Any

from shangyi.lake.catalog import Lake
from shangyi.query.columns import Column

_KINDS = {"text": "string", "json": "string", "boolean": "boolean", "integer": "integer"}
_TEXTS = {"type": "array", "elementType": "string", "containsNull": True}
FLAT: dict[str, Any] = {
    "patient_key": "string",
    "codes": _TEXTS,
    "primary_code": "string",
    "date_low": "timestamp_ntz",
    "date_high": "timestamp_ntz",
    "last_updated": "timestamp_ntz",
    "rest_json": "string",
}
SHOWN = (
    "resource_key patient_key codes primary_code date_low date_high version_id last_updated rest_json".split()
)
"""The flat columns in the order of a table's; ``resource_key`` and ``version_id`` are made here."""
_DELETED = {"path": "string", "row": "long"}


def table(session: Any, lake: Lake, name: str) -> Any:
    """The table of a type as a DataFrame; without rows where the lake holds none of it."""
    from pyspark.sql import functions as f

    columns = lake.schema(name)
    found = _rows(session, lake, name)
    meta = next((column for column in columns if column.name == "meta"), None)
    version = f.col("meta.versionId") if meta is not None and meta.field("versionId") else f.lit(None)
    key = f.concat(f.lit(f"{name}/"), f.col("id")) if any(c.name == "id" for c in columns) else f.lit(None)
    made = {"resource_key": key.cast("string"), "version_id": version.cast("string")}
    chosen = [f.col(f"`{column.name}`") for column in columns]
    chosen += [made[flat].alias(flat) if flat in made else f.col(flat) for flat in SHOWN]
    if not columns:
        chosen.insert(0, f.lit(None).cast("string").alias("id"))
    return found.select(*chosen)


def _rows(session: Any, lake: Lake, name: str) -> Any:
    """The rows as they are kept. Files without superseded rows are read as they are, the others by an anti join."""
    from pyspark.sql import functions as f

    fields = {column.name: _type(column) for column in lake.schema(name)} | FLAT
    files = lake.files(name)
    if not files:
        return session.createDataFrame([], _schema(fields))
    superseded = set(lake.deleted(name))
    clean = [path for path in files if path not in superseded]
    parts = [_read(session, clean, fields)] if clean else []
    if superseded:
        dirty = _read(session, sorted(superseded), fields).select(
            "*", f.col("_metadata.file_name").alias("_file"), f.col("_metadata.row_index").alias("_row")
        )
        gone = _read(session, lake.deletion_files(name), _DELETED).select(
            f.substring_index("path", "/", -1).alias("_file"), f.col("row").alias("_row")
        )
        parts.append(dirty.join(gone, ["_file", "_row"], "left_anti").drop("_file", "_row"))
    found, *others = parts
    for other in others:
        found = found.unionByName(other)
    return found


def _read(session: Any, paths: list[Path], fields: dict[str, Any]) -> Any:
    """What Spark would take for a pattern in a path is escaped."""
    escaped = (re.sub(r"([\\*?\[\]{}])", r"\\\1", str(path)) for path in paths)
    return session.read.schema(_schema(fields)).parquet(*(f"file://{path}" for path in escaped))


def _schema(fields: dict[str, Any]) -> Any:
    from pyspark.sql.types import StructType

    return StructType.fromJson(_struct(fields))


def _struct(fields: dict[str, Any]) -> dict[str, Any]:
    each = [{"name": name, "type": type_, "nullable": True, "metadata": {}} for name, type_ in fields.items()]
    return {"type": "struct", "fields": each}


def _type(column: Column) -> Any:
    """The type of a column as Spark's JSON has it."""
    one: Any = (
        _struct({field.name: _type(field) for field in column.fields})
        if column.kind == "struct"
        else _KINDS[column.kind]
    )
    return {"type": "array", "elementType": one, "containsNull": True} if column.many else one
