"""What test_faults kills: takes what a store writes into a lake, compacts it and keeps views, without a pause."""

import sys
from pathlib import Path

from shangyi.errors import Unavailable
from shangyi.lake import compaction, materialisation
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
                materialisation.refresh(directory)
                compaction.compact(directory, everything=True)
                materialisation.refresh(directory)
            except Unavailable:  # the one before is not quite gone
                continue
