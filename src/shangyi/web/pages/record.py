"""The record behind a fact: its FHIR, its versions, and the correction of an entry."""

from typing import Any

import msgspec
from starlette.responses import Response

from shangyi.fhir import json
from shangyi.web.context import Context
from shangyi.web.resident.reading import words


def record(context: Context) -> Response:
    """GET /records/{type}/{id} and /records/{type}/{id}/{version}."""
    type, id = context.request.path_params["type"], context.request.path_params["id"]
    number = context.request.path_params.get("version")
    shown = context.session.vread(type, id, number) if number else context.session.read(type, id)
    history = context.session.history(type, id, count=50)
    resource: dict[str, Any] = shown.resource
    code = resource.get("code") if isinstance(resource.get("code"), dict) else None
    subject = (resource.get("subject") or resource.get("patient") or {}).get("reference", "")
    return context.page(
        "pages/record.html",
        "residents",
        title=words(code, context.language) or type,
        version=shown,
        versions=history.versions,
        body=msgspec.json.format(json.dumps(resource), indent=2).decode(),
        back=f"/residents/{subject.removeprefix('Patient/')}"
        if subject.startswith("Patient/")
        else "/residents",
    )
