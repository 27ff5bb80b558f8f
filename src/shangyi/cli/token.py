"""``shangyi token``: bearer tokens for programs."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from shangyi.cli.output import emit, line, note, table
from shangyi.cli.owner import administration
from shangyi.cli.text import t

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=t("Bearer tokens for programs that use the FHIR interface.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi token create 'laboratory feed' --role clinician --area 991301000000 --days 90"
    + "\n  shangyi token list\n  shangyi token revoke 3",
)
Json = Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))]


@app.command(help=t("Make a token; its secret is shown once."))
def create(
    label: Annotated[str, typer.Argument(help=t("What it is for."))],
    role: Annotated[str, typer.Option(help="administrator | clinician | epidemiologist | analyst | reader")],
    area: Annotated[
        str | None, typer.Option(help=t("Division code: county, town or village; * is everywhere."))
    ] = None,
    days: Annotated[float, typer.Option(help=t("How many days it is valid."), min=0.001, max=366)] = 30,
    json: Json = False,
) -> None:
    """Create."""
    with administration() as service:
        made = service.create_token(label, role, area, timedelta(days=days))
    token = made.token
    if json:
        emit({"id": token.id, "token": made.secret, "expires": token.expires.isoformat()})
    else:
        line(made.secret)
        note(
            t(
                "Token {id} is shown this once; it ends {expires}.",
                id=token.id,
                expires=f"{token.expires:%Y-%m-%d %H:%M}",
            )
        )


@app.command("list", help=t("List the tokens; never their secrets."))
def list_(json: Json = False) -> None:
    """List."""
    with administration() as service:
        tokens = service.tokens()
    if json:
        emit(
            [
                {
                    "id": k.id,
                    "label": k.label,
                    "role": k.role.value,
                    "area": k.area.code or "*",
                    "expires": k.expires,
                    "revoked": k.revoked,
                }
                for k in tokens
            ]
        )
        return

    def state(revoked: datetime | None, expires: datetime) -> str:
        return t("revoked") if revoked else t("expired") if expires < datetime.now(UTC) else t("valid")

    table(
        [t("Number"), t("Label"), t("Role"), t("Area"), t("Ends"), t("State")],
        [
            [
                str(k.id),
                k.label,
                k.role.value,
                k.area.code or "*",
                f"{k.expires:%Y-%m-%d %H:%M}",
                state(k.revoked, k.expires),
            ]
            for k in tokens
        ],
    )


@app.command(help=t("End a token."))
def revoke(
    number: Annotated[int, typer.Argument(help=t("Its number in `shangyi token list`."))], json: Json = False
) -> None:
    """Revoke."""
    with administration() as service:
        service.revoke_token(number)
    if json:
        emit({"id": number, "revoked": True})
    else:
        note(t("Token {id} is revoked.", id=number))
