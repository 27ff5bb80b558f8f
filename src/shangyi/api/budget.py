"""How much of this process's memory the bodies of requests may take together.

Bodies are counted while they arrive; large ones are worked on one after the other, for decoded they take twenty times
their bytes, and two at once would be no faster under one interpreter.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from shangyi.errors import Unavailable

LARGE_BYTES = 4 * 1024 * 1024
BODIES_AT_ONCE = 4
"""So many bodies of the largest size may be held at a time."""


class Budget:
    """One for a process. ``body_bytes``: the largest body that is taken."""

    def __init__(self, body_bytes: int) -> None:
        self.bytes = body_bytes * BODIES_AT_ONCE
        self.held = 0
        self._large = asyncio.Lock()

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """What one request holds; given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.held

    @asynccontextmanager
    async def turn(self, size: int) -> AsyncIterator[None]:
        """Wait until a body of this size may be worked on."""
        if size <= LARGE_BYTES:
            yield
            return
        async with self._large:
            yield


class Share:
    """The bytes of one request."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.held = 0

    def take(self, size: int) -> None:
        """So many bytes more. Unavailable when too much arrives at once."""
        if self.budget.held + size > self.budget.bytes:
            raise Unavailable("Too much is arriving at once; try again in a moment")
        self.held += size
        self.budget.held += size
