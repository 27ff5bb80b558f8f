"""Parquet files of a lake: sorted so that one code is cheap, small, and on the disk before anybody hears of them."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shangyi.lake.arrow import conform_table

RUN_BYTES = 128 << 20
"""Rows that are sorted at once; each run is a file."""
GROUP_BYTES, MOST_GROUP_ROWS = 32 << 20, 65_536
"""Of a row group: by its statistics a reader skips what does not hold the code that is asked for."""
COMPRESSION, LEVEL = "zstd", 1
"""Higher levels took longer and, on Synthea, more room."""
_SKIPPED_BY = ["id", "patient_key", "primary_code", "date_low", "date_high", "last_updated"]
"""The columns with statistics: what others hold is spread over all row groups alike."""
ORDER = (("primary_code", "ascending"), ("date_low", "ascending"))


def runs(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows in sorted runs of one schema."""
    held: list[pa.Table] = []
    size = 0
    for table in tables:
        held.append(conform_table(table, schema))
        size += table.nbytes
        if size >= RUN_BYTES:
            yield _sorted(held)
            held, size = [], 0
    if held:
        yield _sorted(held)


def _sorted(tables: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(tables).combine_chunks()
    order = pc.sort_indices(table.select([name for name, _ in ORDER]), sort_keys=list(ORDER))
    return table.take(order)


def write_plain(path: Path, table: pa.Table) -> int:
    """Write a small table as it stands and bring it to the disk; its bytes."""
    with path.open("wb") as file:
        pq.write_table(table, file, compression=COMPRESSION, store_schema=False)
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def write(path: Path, table: pa.Table) -> int:
    """Write a file and bring it to the disk; its bytes. OSError where the disk refuses."""
    rows = max(1024, min(MOST_GROUP_ROWS, int(table.num_rows * GROUP_BYTES / max(table.nbytes, 1))))
    with path.open("wb") as file:
        with pq.ParquetWriter(
            file,
            table.schema,
            compression=COMPRESSION,
            compression_level=LEVEL,
            store_schema=False,
            write_page_checksum=True,
            write_statistics=_SKIPPED_BY,
            sorting_columns=pq.SortingColumn.from_ordering(table.schema, list(ORDER)),
        ) as writer:
            writer.write_table(table, row_group_size=rows)
        file.flush()
        os.fsync(file.fileno())
        return file.tell()
