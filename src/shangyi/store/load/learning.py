"""Dictionaries, learnt while a load goes on, from what comes in bulk.

Workers leave the bodies of a type as they are until it is settled by which dictionary it is packed; until then they
are packed here, and are what is learnt from. A type is looked at when it has come some hundred times and again some
thousand times, and a new dictionary is kept only where it packs better than what there is: so a second load of the
same kind adds none, and one of another kind is not packed by what was learnt from the first.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from psycopg_pool import ConnectionPool

from shangyi.store import dictionary
from shangyi.store.codec import Codec
from shangyi.store.load.chunk import Chunk
from shangyi.store.load.prepare import Prepared
from shangyi.store.load.rows import version_row

HELD, FEWEST = 2000, 1000
"""Resources that a database without dictionaries learns its first from, and the fewest that are worth it."""
STAGES = (500, 4000)
"""Bodies of a type after which a dictionary for it is tried."""
MOST_BYTES, MOST_BYTES_IN_ALL = 3 << 20, 32 << 20
"""Of bodies kept to learn from: of a type, of all types."""
BETTER = 0.95
"""A new dictionary must pack to this part of what there is, at most."""
HELD_OUT = 4
"""One in so many bodies is not learnt from, but what the dictionary is tried on."""


@dataclass(slots=True)
class _Samples:
    bodies: list[bytes] = field(default_factory=list)
    size: int = 0
    stage: int = 0


class Learning:
    """Packs what workers left plain. ``settled``: the types that they may pack themselves by now."""

    def __init__(self, pool: ConnectionPool, codec: Codec) -> None:
        self.pool, self.codec = pool, codec
        self.settled: frozenset[int] = frozenset()
        self._samples: defaultdict[int, _Samples] = defaultdict(_Samples)
        self._size = 0

    def packed(self, prepared: Iterable[tuple[Chunk, Prepared]]) -> Iterator[tuple[Chunk, Prepared]]:
        """All of it in its order, with every body packed; the first are held back where nothing is learnt yet."""
        held: deque[tuple[Chunk, Prepared]] = deque()
        holding, resources, size = not self.codec.trained, 0, 0
        for chunk, made in prepared:
            self._sample(made)
            held.append((chunk, made))
            if holding:
                resources, size = resources + len(made.rids), size + chunk.size
                if resources < HELD and size < MOST_BYTES_IN_ALL:
                    continue
                self._begin(held)
                holding = False
            while held:
                yield self._ready(*held.popleft())
        if holding and resources >= FEWEST:
            self._begin(held)
        while held:
            yield self._ready(*held.popleft())

    def _begin(self, held: Iterable[tuple[Chunk, Prepared]]) -> None:
        """Learn a dictionary for all types, from some of each chunk."""
        bodies = [plain.body for _, made in held for plain in made.plain]
        every = sum(map(len, bodies)) // MOST_BYTES + 1
        self._keep(0, dictionary.trained(bodies[::every]))

    def _ready(self, chunk: Chunk, made: Prepared) -> tuple[Chunk, Prepared]:
        for position, rid, shard, type_, id_, body in made.plain:
            coding, packed = self.codec.pack(type_, body)
            made.versions[position] = version_row(rid, shard, type_, coding, id_, packed)
        made.plain = []
        return chunk, made

    def _sample(self, made: Prepared) -> None:
        """Keep the bodies that came plain, and learn from those of a type when there are enough of them."""
        for plain in made.plain:
            if plain.type not in self.settled:
                samples = self._samples[plain.type]
                samples.bodies.append(plain.body)
                samples.size += len(plain.body)
                self._size += len(plain.body)
        for type_ in {plain.type for plain in made.plain} - self.settled:
            samples = self._samples[type_]
            if samples.size >= MOST_BYTES:
                samples.stage = len(STAGES) - 1
            if samples.size >= MOST_BYTES or len(samples.bodies) >= STAGES[samples.stage]:
                self._try(type_, samples)
        if self._size >= MOST_BYTES_IN_ALL:
            type_, samples = max(self._samples.items(), key=lambda item: item[1].size)
            samples.stage = len(STAGES) - 1
            self._try(type_, samples)

    def _try(self, type: int, samples: _Samples) -> None:
        """A dictionary for a type, if it is better than what there is. After the last stage the type is settled."""
        learnt_from = [body for n, body in enumerate(samples.bodies) if n % HELD_OUT]
        tried_on = samples.bodies[::HELD_OUT]
        content = dictionary.trained(learnt_from)
        if content is not None:
            least = BETTER * self.codec.packed_size(tried_on, type)
            self._keep(type, content if self.codec.packed_size(tried_on, type, content) < least else None)
        samples.stage += 1
        if samples.stage == len(STAGES):
            self.settled |= {type}
            self._size -= samples.size
            del self._samples[type]

    def _keep(self, type: int, content: bytes | None) -> None:
        """Committed before any body is packed with it."""
        if content is not None:
            with self.pool.connection() as connection:
                dictionary.keep(connection, type, content)
            with self.pool.connection() as connection:
                self.codec.load(connection)
