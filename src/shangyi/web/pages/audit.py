"""The audit, for administrators: who saw or changed what, when, why."""

from urllib.parse import urlencode

from starlette.responses import Response

from shangyi.store.model import SearchRequest
from shangyi.web import formats
from shangyi.web.components.table import Column, Row, Table
from shangyi.web.context import Context

FILTERS = {"who": "agent-name", "what": "entity", "from": "date", "until": "date"}
OUTCOMES = {"0": "done", "4": "not possible", "8": "refused", "12": "failed"}


def audit(context: Context) -> Response:
    """GET /audit: events, newest first, by person, record and day."""
    asked = {name: context.field(name) for name in FILTERS}
    parameters = [("_count", "50")]
    parameters += [("agent-name", asked["who"])] if asked["who"] else []
    parameters += [("entity", asked["what"])] if asked["what"] else []
    parameters += [("date", f"ge{asked['from']}")] if asked["from"] else []
    parameters += [("date", f"le{asked['until']}")] if asked["until"] else []
    if cursor := context.field("cursor"):
        parameters.append(("_cursor", cursor))
    found = context.session.search(SearchRequest("AuditEvent", parameters))
    kept = {name: value for name, value in asked.items() if value}
    text = context.text
    rows = []
    for version in found.matches:
        event = version.resource
        agent = event["agent"][0]
        entities = [
            e["what"]["reference"] for e in event.get("entity", ()) if "reference" in e.get("what", {})
        ]
        rows.append(
            Row(
                [
                    formats.instant(event["recorded"]),
                    agent.get("name") or agent.get("altId", ""),
                    " ".join(s.get("code", "") for s in event.get("subtype", ()))
                    or event["type"].get("code", ""),
                    ", ".join(entities[:3]) + (" …" if len(entities) > 3 else ""),
                    text(OUTCOMES.get(event.get("outcome", "0"), "done")),
                ]
            )
        )
    table = Table(
        caption=text("Audit"),
        columns=[Column(text(title)) for title in ("When", "Who", "What was done", "Records", "Outcome")],
        rows=rows,
        next=f"/audit?{urlencode(kept | {'cursor': found.next})}" if found.next else "",
        first=f"/audit?{urlencode(kept)}" if cursor else "",
        empty=text("No event fits. Widen the days, or leave a field empty."),
        dense=True,
    )
    return context.page("pages/audit.html", "audit", table=table, asked=asked)
