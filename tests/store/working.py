"""What test_interruptions kills: `migrate|backup|restore|load CONNINFO FILE`; says `begin` before and `done` after."""

import sys
from pathlib import Path

from shangyi.store.backups import backup, restore
from shangyi.store.database import Store
from shangyi.store.load import load

if __name__ == "__main__":
    what, conninfo, file = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    if what == "migrate":
        print("begin", flush=True)
    with Store(conninfo) as opened:
        print("begin", flush=True)
        if what == "backup":
            backup(opened, file)
        elif what == "restore":
            restore(opened, file)
        elif what == "load":
            load(opened, [file], workers=0)
    print("done", flush=True)
