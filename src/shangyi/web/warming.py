"""What the first reader would wait for, done when a server process starts: templates, names, figures of each scope."""

import logging

from shangyi.access import Access
from shangyi.errors import ShangyiError
from shangyi.i18n import LANGUAGES
from shangyi.store.model import Scope
from shangyi.web import wording
from shangyi.web.answers import Answers
from shangyi.web.rendering import environment

log = logging.getLogger("shangyi.web")
MOST_SCOPES = 50


def warm(access: Access, answers: Answers) -> None:
    """Compile the templates, read the names of codes, and compute the overviews of the accounts' areas and panels."""
    for language in LANGUAGES:
        found = environment(language)
        for name in found.list_templates():
            found.get_template(name)
    wording.english("", "")
    try:
        for scope in scopes(access):
            answers.overview(access.records, scope)
    except ShangyiError as error:  # the first reader waits then
        log.warning("the overview was not prepared: %s", type(error).__name__)


def scopes(access: Access) -> list[Scope]:
    """Areas and panels of the accounts, each once."""
    found: dict[Scope, None] = {}
    for account in access.accounts.list():
        found[Scope(account.area.bounds)] = None
        if account.practitioner:
            found[Scope(account.area.bounds, account.practitioner)] = None
    return list(found)[:MOST_SCOPES]
