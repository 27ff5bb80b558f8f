"""Rows of a query, in the forms that people and programs take them in."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from shangyi.errors import Invalid, Misconfigured

if TYPE_CHECKING:
    import pandas
    import polars

BATCH_ROWS = 4096
"""Rows that are made Python of at a time."""
GROUP_ROWS = 65_536
"""Rows of a group in Parquet."""


class Answer:
    """The rows as Arrow. ``whole``: False where there were more than was asked for."""

    def __init__(self, table: pa.Table, whole: bool = True) -> None:
        self.table, self.whole = table, whole

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        return f"Answer({len(self)} rows: {', '.join(self.columns)})"

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Whatever reads Arrow takes the rows as they lie in memory."""
        return self.table.__arrow_c_stream__(requested_schema)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.table.column_names)

    def rows(self) -> list[dict[str, Any]]:
        """Each row as a dict."""
        found: list[dict[str, Any]] = self.table.to_pylist()
        return found

    def polars(self) -> "polars.DataFrame":
        """As a polars DataFrame over the same memory."""
        pl = _optional("polars")
        found: polars.DataFrame = pl.from_arrow(self.table)
        return found

    def pandas(self) -> "pandas.DataFrame":
        """As a pandas DataFrame whose columns are the Arrow columns."""
        pd = _optional("pandas")
        found: pandas.DataFrame = self.table.to_pandas(types_mapper=pd.ArrowDtype)
        return found

    def write(self, format: str, file: BinaryIO, *, header: bool = True) -> None:
        """Into a file in one of ``FORMATS``. Invalid for another. ``header``: whether CSV begins with the names."""
        write(format, self.table.schema, self.table.to_batches(BATCH_ROWS), file, header=header)

    def bytes(self, format: str, *, header: bool = True) -> bytes:
        """In one of ``FORMATS``. ``header``: whether CSV begins with the names of the columns."""
        file = io.BytesIO()
        self.write(format, file, header=header)
        return file.getvalue()


def _optional(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise Misconfigured("{name} is not installed: pip install shangyi[analysis]", name=name) from error


def plain(value: Any) -> Any:
    """A value for JSON: decimals as numbers with the digits they have, instants in ISO 8601."""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return int(text) if "." not in text else float(text)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            for row in batch.slice(start, BATCH_ROWS).to_pylist():
                yield plain(row)


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _json(schema: pa.Schema, batches: Iterable[pa.RecordBatch], file: BinaryIO) -> None:
    file.write(b"[")
    file.writelines((b",\n" if number else b"") + _dump(row) for number, row in enumerate(_rows(batches)))
    file.write(b"]\n")


def _ndjson(schema: pa.Schema, batches: Iterable[pa.RecordBatch], file: BinaryIO) -> None:
    file.writelines(_dump(row) + b"\n" for row in _rows(batches))


def _csv(schema: pa.Schema, batches: Iterable[pa.RecordBatch], file: BinaryIO, header: bool = True) -> None:
    """RFC 4180 in UTF-8; what a spreadsheet would take for a formula gets an apostrophe, lists are JSON."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    if header:
        writer.writerow(schema.names)
    for row in _rows(batches):
        writer.writerow([cell(value) for value in row.values()])
    text.detach()


def cell(value: Any) -> str:
    """A value as a cell of CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
    return str(value)


def _parquet(schema: pa.Schema, batches: Iterable[pa.RecordBatch], file: BinaryIO) -> None:
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        held: list[pa.RecordBatch] = []
        for batch in batches:
            held.append(batch)
            if sum(each.num_rows for each in held) >= GROUP_ROWS:
                writer.write_table(pa.Table.from_batches(held, schema))
                held = []
        writer.write_table(pa.Table.from_batches(held, schema))


def _arrow(schema: pa.Schema, batches: Iterable[pa.RecordBatch], file: BinaryIO) -> None:
    with pa.ipc.new_stream(file, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


FORMATS: Mapping[str, Callable[[pa.Schema, Iterable[pa.RecordBatch], BinaryIO], None]] = {
    "csv": _csv,
    "json": _json,
    "ndjson": _ndjson,
    "parquet": _parquet,
    "arrow": _arrow,
}
"""What answers are written in."""


def write(
    format: str,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    file: BinaryIO,
    *,
    header: bool = True,
) -> None:
    """Rows as they come, into a file in one of ``FORMATS``, of which only as many are held as make a batch."""
    if format not in FORMATS:
        raise Invalid("{format} is none of {formats}", format=format, formats=", ".join(FORMATS))
    if format == "csv":
        _csv(schema, batches, file, header)
    else:
        FORMATS[format](schema, batches, file)
