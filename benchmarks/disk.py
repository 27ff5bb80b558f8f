"""Bytes a resource on disk, by table and index: python benchmarks/disk.py PATH… (loads into a temporary home)."""

import sys
import tempfile
from pathlib import Path

from shangyi import store
from shangyi.store.load import load

QUERY = """select relname, pg_relation_size(oid) from pg_class where relnamespace = 'public'::regnamespace
 and relkind in ('r', 'i') and (relname like 'resource%' or relname like 'search%' or relname like 'frequency%')
 order by 2 desc"""

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="shangyi-disk-", dir="/tmp") as directory:
        Path(directory).chmod(0o711)
        with store.open(home=Path(directory) / "home") as opened:
            report = load(opened, sys.argv[1:])
            with opened.pool.connection() as connection:
                sizes = connection.execute(QUERY).fetchall()
            for name, size in sizes:
                print(f"{name:28}{size / report.added:10.1f}")
            print(f"{'all':28}{sum(size for _, size in sizes) / report.added:10.1f}  bytes/resource")
