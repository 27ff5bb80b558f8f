"""Open the record as the owner of ``SHANGYI_HOME``; what is done is audited as the owner's."""

from collections.abc import Iterator
from contextlib import contextmanager

from shangyi import wiring
from shangyi.access import Session
from shangyi.access.administration import Administration
from shangyi.cli.output import note
from shangyi.cli.process import prepare_home
from shangyi.cli.text import t
from shangyi.settings import Settings
from shangyi.wiring import Opened


def say(text: str) -> None:
    """Tell what is being waited for (an English text of another package)."""
    note(t(text) + " …")


@contextmanager
def opened(settings: Settings | None = None) -> Iterator[Opened]:
    """Store and access; closed at the end."""
    settings = settings or Settings.load()
    prepare_home(settings.home)
    with wiring.opened(settings, progress=say) as found:
        yield found


@contextmanager
def owner(settings: Settings | None = None) -> Iterator[Session]:
    """The owner's session."""
    with opened(settings) as found:
        yield found.access.owner_session()


@contextmanager
def administration(settings: Settings | None = None) -> Iterator[Administration]:
    """Accounts and tokens, as the owner manages them."""
    with opened(settings) as found:
        yield found.access.administration(found.access.owner_session())
