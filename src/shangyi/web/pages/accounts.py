"""Accounts and tokens, for administrators: make, change, disable, reset; secrets are shown once."""

from datetime import timedelta
from typing import Any

from starlette.responses import RedirectResponse, Response

from shangyi.access import Account, Area
from shangyi.access.model import ASSIGNABLE
from shangyi.errors import NotFound, ShangyiError
from shangyi.i18n import LANGUAGES
from shangyi.web.context import Context
from shangyi.web.pages.choices import options
from shangyi.web.resident.reading import person_name

DAYS = (7, 30, 90, 365)
LANGUAGE_NAMES = {"zh-CN": "中文", "en": "English"}
FIELDS = ("name", "display", "role", "area", "doctor", "doctor_value", "language", "label", "days")


def accounts(context: Context) -> Response:
    """GET and POST /accounts: all of them, and a new one."""
    administration = context.access.administration(context.session)
    values = {name: context.field(name) for name in FIELDS}
    sentences: list[str] = []
    made: tuple[str, str] | None = None
    if context.request.method == "POST":
        try:
            account, secret = administration.create_account(
                values["name"],
                values["role"],
                values["area"],
                display=values["display"] or None,
                practitioner=_practitioner(context, values),
                language=values["language"] or "zh-CN",
            )
            made, values = (account.name, secret), dict.fromkeys(FIELDS, "")
        except ShangyiError as error:
            sentences = context.sentences(error)
    listed = administration.accounts()
    return _page(
        context,
        "pages/accounts.html",
        "accounts",
        sentences,
        accounts=[(a, context.text(a.role.label), place(context, a.area)) for a in listed],
        values=values,
        made=made,
        by_doctor=_doctors(context, listed),
    )


def account(context: Context) -> Response:
    """GET and POST /accounts/{id}: one account: change, disable, new password."""
    administration = context.access.administration(context.session)
    id = context.request.path_params["id"]
    found = next((a for a in administration.accounts() if a.id == id), None)
    if found is None:
        raise NotFound("There is no such account")
    values = {
        "display": found.display,
        "role": found.role.value,
        "area": found.area.digits or "*",
        "doctor": "",
        "doctor_value": found.practitioner or "",
        "language": found.language,
    }
    values["doctor"] = _doctors(context, [found]).get(found.practitioner or "", "")
    sentences: list[str] = []
    made: tuple[str, str] | None = None
    step = context.field("step")
    if context.request.method == "POST":
        try:
            if step == "password":
                made = (found.name, administration.reset_password(id))
            elif step in ("disable", "enable"):
                administration.change_account(id, disabled=step == "disable")
                return RedirectResponse(f"/accounts/{id}?done=1", status_code=303)
            else:
                values |= {name: context.field(name) for name in values}
                administration.change_account(
                    id,
                    display=values["display"],
                    role=values["role"],
                    area=values["area"],
                    practitioner=_practitioner(context, values) or "",
                    language=values["language"],
                )
                return RedirectResponse(f"/accounts/{id}?done=1", status_code=303)
        except ShangyiError as error:
            sentences = context.sentences(error)
    return _page(
        context,
        "pages/account.html",
        "accounts",
        sentences,
        account=found,
        place=place(context, found.area),
        values=values,
        made=made,
        done=bool(context.field("done")),
        own=context.principal.id == f"account:{id}",
    )


def tokens(context: Context) -> Response:
    """GET and POST /tokens: bearer tokens of programs."""
    administration = context.access.administration(context.session)
    values = {name: context.field(name) for name in FIELDS}
    sentences: list[str] = []
    made: tuple[str, str] | None = None
    if context.request.method == "POST":
        try:
            if revoked := context.field("revoke"):
                administration.revoke_token(int(revoked) if revoked.isdigit() else 0)
                return RedirectResponse("/tokens", status_code=303)
            days = int(values["days"]) if values["days"] in map(str, DAYS) else DAYS[1]
            new = administration.create_token(
                values["label"], values["role"], values["area"], timedelta(days=days)
            )
            made, values = (new.token.label, new.secret), dict.fromkeys(FIELDS, "")
        except ShangyiError as error:
            sentences = context.sentences(error)
    return _page(
        context,
        "pages/tokens.html",
        "tokens",
        sentences,
        tokens=[(t, context.text(t.role.label), place(context, t.area)) for t in administration.tokens()],
        values=values,
        made=made,
        days=DAYS,
    )


def _page(context: Context, template: str, current: str, sentences: list[str], **more: Any) -> Response:
    return context.page(
        template,
        current,
        status=422 if sentences else 200,
        sentences=sentences,
        roles=[(role.value, context.text(role.label)) for role in ASSIGNABLE],
        languages=[(code, LANGUAGE_NAMES[code]) for code in LANGUAGES],
        **more,
    )


def place(context: Context, area: Area) -> str:
    """The area in words, with its code."""
    if not area.digits:
        return context.text("All places")
    try:
        name = context.session.read("Location", f"div-{area.code}").resource.get("name", "")
    except ShangyiError:
        name = ""
    return f"{name} {area.digits}".strip()


def _practitioner(context: Context, values: dict[str, str]) -> str | None:
    """The Practitioner that was chosen; the only one of that name where nothing was chosen."""
    if not values["doctor"]:
        return None
    if values["doctor_value"]:
        return values["doctor_value"]
    found = options(context, "doctor", values["doctor"])
    if len(found) != 1:
        raise NotFound(
            "No doctor, or more than one, is called {name}; choose from the list", name=values["doctor"]
        )
    return found[0].value


def _doctors(context: Context, accounts: list[Account]) -> dict[str, str]:
    """Names of the Practitioners of these accounts."""
    found = {}
    for reference in {a.practitioner for a in accounts if a.practitioner}:
        try:
            found[reference] = person_name(
                context.session.read("Practitioner", reference.partition("/")[2]).resource
            )
        except ShangyiError:
            found[reference] = reference
    return found
