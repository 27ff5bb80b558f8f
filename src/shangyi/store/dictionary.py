"""Dictionaries for the bodies, trained on the records of this very database; old ones stay for what they packed."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256

import psycopg
import zstandard

from shangyi.errors import ShangyiError
from shangyi.fhir import json
from shangyi.store.body import strip
from shangyi.store.types import NUMBERS

SAMPLES, FEWEST = 6000, 1000
"""Resources to train on, and the fewest that are worth it."""
SIZE_BYTES = 110 << 10
FIRST = 2


def train(connection: psycopg.Connection, resources: Iterable[bytes]) -> list[int]:
    """Train on these JSON resources, one dictionary for all types and one for each type that has enough."""
    by_type: dict[int, list[bytes]] = defaultdict(list)
    for data in resources:
        try:
            resource = json.decode(data)
            by_type[NUMBERS.get(str(resource.get("resourceType")), 0)].append(strip(resource))
        except ShangyiError:
            continue
    everything = [sample for samples in by_type.values() for sample in samples]
    wanted = {0: everything} | {type_: s for type_, s in by_type.items() if type_ and len(s) >= FEWEST // 2}
    connection.execute("select pg_advisory_xact_lock(%s, 0)", [0x5363])
    row = connection.execute("select coalesce(max(coding), %s) from dictionary", [FIRST - 1]).fetchone()
    coding = row[0] if row else FIRST - 1
    made = []
    for type_, samples in wanted.items():
        total = sum(map(len, samples))
        try:
            content = zstandard.train_dictionary(
                min(SIZE_BYTES, total // 4), list(samples), k=512, d=8
            ).as_bytes()
        except zstandard.ZstdError:
            continue  # too little, or too uniform, to learn from
        coding += 1
        connection.execute(
            "insert into dictionary (coding, type, sha256, content) values (%s, %s, %s, %s)",
            [coding, type_, sha256(content).digest(), content],
        )
        made.append(coding)
    return made
