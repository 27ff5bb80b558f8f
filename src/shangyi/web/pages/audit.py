"""The audit, for administrators: who saw or changed what, when, why."""

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from shangyi.store.model import SearchRequest
from shangyi.web import formats
from shangyi.web.components.table import Column, Row, Table
from shangyi.web.components.tag import Tag, Tone
from shangyi.web.context import Context

Resource = dict[str, Any]
FILTERS = {"who": "agent-name", "what": "entity", "from": "date", "until": "date"}
ACTIONS = {
    "read": "Read the entry",
    "vread": "Read an old version",
    "history-instance": "Read the history",
    "search-type": "Searched",
    "everything": "Opened the record",
    "suggest": "Looked up",
    "aggregate": "Read figures",
    "reveal": "Showed a number",
    "create": "Created",
    "update": "Changed",
    "patch": "Changed",
    "delete": "Deleted",
    "transaction": "Wrote together",
    "batch": "Did several",
    "login": "Signed in",
    "logout": "Signed out",
    "110122": "Signed in",
    "110123": "Signed out",
    "merge": "Merged two records",
    "unmerge": "Undid a merge",
    "account-list": "Listed the accounts",
    "account-create": "Made an account",
    "account-change": "Changed an account",
    "password-change": "Changed the password",
    "password-reset": "Gave a new password",
    "token-list": "Listed the tokens",
    "token-create": "Made a token",
    "token-revoke": "Ended a token",
    "load": "Loaded",
    "export": "Exported",
}
"""What was done, by the subtype of its event; others are shown as they are. 1101xx: DICOM's login and logout."""
TONES: dict[str, Tone] = {"0": "", "4": "grade-3", "8": "grade-2", "12": "grade-1"}
OUTCOMES = {"0": "done", "4": "not possible", "8": "refused", "12": "failed"}


def row(context: Context, event: Resource) -> Row:
    """One event: when, who, what, which records (the first leads there), how it ended."""
    text = context.text
    agent = event["agent"][0]
    entities = [e["what"]["reference"] for e in event.get("entity", ()) if "reference" in e.get("what", {})]
    codes = [s.get("code", "") for s in event.get("subtype", ())] or [event["type"].get("code", "")]
    outcome = event.get("outcome", "0")
    return Row(
        [
            context.markup("components/nowrap_cell.html", text=formats.instant(event["recorded"])),
            agent.get("name") or agent.get("altId", ""),
            " ".join(text(ACTIONS[code]) if code in ACTIONS else code for code in codes),
            context.markup("components/entities_cell.html", entities=entities),
            context.markup(
                "components/tag_cell.html",
                tag=Tag(text(OUTCOMES.get(outcome, "done")), TONES.get(outcome, "")),
            ),
        ]
    )


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
    rows = [row(context, version.resource) for version in found.matches]
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
