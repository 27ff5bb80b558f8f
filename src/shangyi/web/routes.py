"""What the console serves, in one place."""

from starlette.routing import BaseRoute, Route

from shangyi.web.context import page
from shangyi.web.pages import (
    accounts,
    analysis,
    audit,
    cases,
    choices,
    correct,
    export,
    load,
    merge,
    overview,
    record,
    register,
    resident,
    residents,
    settings,
    sign_in,
    visit,
)
from shangyi.web.static_files import static_file


def routes() -> list[BaseRoute]:
    """All pages; ``request.app.state.access`` holds the ``Access`` that they read through."""
    return [
        Route("/static/{digest}/{path:path}", static_file),
        Route("/sign-in", sign_in.sign_in, methods=["GET", "POST"]),
        Route("/sign-out", page(sign_in.sign_out), methods=["POST"]),
        Route("/still-here", page(sign_in.still_here)),
        Route("/language/{language}", sign_in.choose_language),
        Route("/", page(overview.overview)),
        Route("/figures/{name}.csv", page(overview.sheet)),
        Route("/cases", page(cases.cases)),
        Route("/analysis", page(analysis.analysis), methods=["GET", "POST"]),
        Route("/residents", page(residents.residents), methods=["GET", "POST"]),
        Route("/residents/suggest", page(residents.suggest), methods=["POST"]),
        Route("/residents/new", page(register.register), methods=["GET", "POST"]),
        Route("/residents/new/check", page(register.check), methods=["POST"]),
        Route("/residents/new/villages", page(register.villages)),
        Route("/choices/{kind}", page(choices.choose), methods=["POST"]),
        Route("/panel", page(residents.panel), methods=["GET", "POST"]),
        Route("/residents/{id}", page(resident.resident)),
        Route("/residents/{id}/measurements", page(resident.values)),
        Route("/residents/{id}/measurements.csv", page(resident.values)),
        Route("/residents/{id}/summary", page(resident.summary)),
        Route("/residents/{id}/reveal", page(resident.reveal), methods=["POST"]),
        Route("/residents/{id}/visit", page(visit.visit), methods=["GET", "POST"]),
        Route("/residents/{id}/merge", page(merge.merge), methods=["GET", "POST"]),
        Route("/residents/{id}/merges", page(merge.merges), methods=["GET", "POST"]),
        Route("/residents.csv", page(residents.sheet)),
        Route("/panel.csv", page(residents.sheet)),
        Route("/export", page(export.export)),
        Route("/export/{type}.ndjson", page(export.ndjson)),
        Route("/accounts", page(accounts.accounts), methods=["GET", "POST"]),
        Route("/accounts/{id:int}", page(accounts.account), methods=["GET", "POST"]),
        Route("/tokens", page(accounts.tokens), methods=["GET", "POST"]),
        Route("/load", load.upload, methods=["POST"]),
        Route("/load", page(load.load)),
        Route("/load/{id}", page(load.progress)),
        Route("/load/{id}/refused.csv", page(load.refused)),
        Route("/load/{id}/cancel", page(load.cancel), methods=["POST"]),
        Route("/audit", page(audit.audit)),
        Route("/settings", page(settings.settings), methods=["GET", "POST"]),
        Route("/records/{type}/{id}", page(record.record), methods=["GET", "POST"]),
        Route("/records/{type}/{id}/correct", page(correct.correct), methods=["GET", "POST"]),
        Route("/records/{type}/{id}/{version:int}", page(record.record), methods=["GET", "POST"]),
    ]
