"""How fast the generator is: residents a minute and resources a second on one core, and memory.

python benchmarks/synth.py [residents]
"""

import resource
import sys
import time
from datetime import date

from shangyi.fhir import json
from shangyi.synth import generate


def main(residents: int) -> None:
    start, count, size = time.perf_counter(), 0, 0
    for made in generate(residents, 7, date(2026, 11, 22)):
        count += 1
        size += len(json.dumps(made))
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{residents} residents, {count} resources, {size / 1e6:.0f} MB in {seconds:.1f} s on one core")
    print(
        f"{residents / seconds * 60:,.0f} residents a minute, {count / seconds:,.0f} resources/s, {memory:.0f} MiB"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
