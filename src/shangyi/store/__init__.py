"""The transactional record of a population on PostgreSQL: versions, history, search, transactions, outbox.

In: FHIR R4 resources as plain dicts. Out: ``model.Version`` and pages of them. ``store.open(settings)`` starts the
embedded server or takes the one that the settings name, migrates it, and gives a ``Store`` with ``repository``,
``pool`` and ``close``. How a record is kept: docs/store.md and docs/decisions/0004-record-layout.md.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shangyi.store.database import Store, open

__all__ = ["Store", "open"]


def __getattr__(name: str) -> Any:
    """``open`` and ``Store``, imported when they are first used: the command line starts quicker."""
    if name in __all__:
        from shangyi.store import database

        return getattr(database, name)
    raise AttributeError(name)
