"""What test_faults kills: takes what a store writes into a lake, and compacts it, without a pause."""

import sys
from pathlib import Path

from shangyi.errors import Unavailable
from shangyi.lake import compaction
from shangyi.lake.sync import refresh
from shangyi.store.database import Store

if __name__ == "__main__":
    directory = Path(sys.argv[1])
    # Small bounds, so that every kind of step comes again and again.
    compaction.SMALL_BYTES, compaction.MOST_SMALL = 8_000, 2
    with Store(sys.argv[2], connections=2) as store:
        print("ready", flush=True)
        while True:
            try:
                refresh(directory, store.repository)
                compaction.compact(directory)
                compaction.compact(directory, everything=True)
            except Unavailable:  # the one before is not quite gone
                continue
