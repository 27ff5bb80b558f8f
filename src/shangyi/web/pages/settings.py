"""One's own account: who one is here, and the password."""

from starlette.responses import RedirectResponse, Response

from shangyi.access.browser import cookie_attributes
from shangyi.errors import ShangyiError
from shangyi.web.context import Context, is_secure, origin_of


def settings(context: Context) -> Response:
    """GET and POST /settings."""
    sentences: list[str] = []
    if context.request.method == "POST":
        # not through Context.field: a password keeps its spaces
        old, new, again = (str(context.form.get(name, "")) for name in ("old", "new", "again"))
        if new != again:
            sentences = [context.text("The two new passwords differ")]
        else:
            try:
                signed_in = context.access.change_password(
                    context.cookie, old, new, origin_of(context.request)
                )
            except ShangyiError as error:
                sentences = context.sentences(error)
            else:
                response = RedirectResponse("/settings?changed=1", status_code=303)
                response.set_cookie(value=signed_in.cookie, **cookie_attributes(is_secure(context.request)))
                return response
    return context.page(
        "pages/settings.html",
        "settings",
        status=422 if sentences else 200,
        principal=context.principal,
        sentences=sentences,
        changed=bool(context.request.query_params.get("changed")),
    )
