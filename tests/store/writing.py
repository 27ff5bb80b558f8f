"""What test_faults kills: `write HOME` writes and says what was acknowledged; `load HOME FILE` loads."""

import sys
from pathlib import Path

from shangyi import store
from shangyi.store.load import load


def write(opened: store.Store, seed: int) -> None:
    number = 0
    while True:
        number += 1
        entries = [
            {
                "request": {"method": "PUT", "url": f"Group/{name}"},
                "resource": {
                    "resourceType": "Group",
                    "type": "person",
                    "actual": True,
                    "id": name,
                    "quantity": seed * 1_000_000 + number,
                },
            }
            for name in (f"a{number % 5}", f"b{number % 5}")
        ]
        answer = opened.repository.transaction(
            {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        )
        print(*[entry["response"]["location"] for entry in answer["entry"]], flush=True)


if __name__ == "__main__":
    with store.open(home=Path(sys.argv[2]), server_settings={"shared_buffers": "32MB"}) as opened:
        print("open", opened.server.pid if opened.server else 0, flush=True)
        if sys.argv[1] == "write":
            write(opened, int(sys.argv[3]))
        else:
            report = load(
                opened, [sys.argv[3]], workers=2, progress=lambda state: print(state.resources, flush=True)
            )
            print("done", report.added, report.unchanged, report.skipped, flush=True)
