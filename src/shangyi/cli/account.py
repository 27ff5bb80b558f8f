"""``shangyi account``: who may sign in to the console."""

import sys
from typing import Annotated

import typer

from shangyi.access import Account
from shangyi.cli.output import emit, line, note, table
from shangyi.cli.owner import administration
from shangyi.cli.text import t
from shangyi.errors import Invalid, NotFound

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=t("Who may sign in.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi account add liwei --role clinician --area 991301101000 --display 李伟"
    + "\n  shangyi account list\n  shangyi account password liwei\n  shangyi account disable liwei",
)
Json = Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))]
Name = Annotated[str, typer.Argument(help=t("The name to sign in with."))]
Stdin = Annotated[bool, typer.Option("--stdin", help=t("Read the password from standard input."))]
AREA = t("Division code: county, town or village; * is everywhere.")


def given_password(stdin: bool) -> str | None:
    """The password from standard input; None to have one made."""
    if not stdin:
        return None
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Invalid("No password came on standard input.")
    return password


def number(accounts: list[Account], name: str) -> int:
    """The number of the account with this name; raises NotFound."""
    for account in accounts:
        if account.name == name.strip().casefold():
            return account.id
    raise NotFound("There is no account {name}; see: shangyi account list", name=name)


@app.command(
    help=t("Add an account; its first password is made and shown once, unless one comes by --stdin.")
)
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="administrator | clinician | epidemiologist | analyst | reader")],
    area: Annotated[str | None, typer.Option(help=AREA)] = None,
    display: Annotated[str | None, typer.Option(help=t("The person's name."))] = None,
    practitioner: Annotated[str | None, typer.Option(help=t("Practitioner/… whose panel is theirs."))] = None,
    stdin: Stdin = False,
    json: Json = False,
) -> None:
    """Add."""
    asked = given_password(stdin)
    with administration() as service:
        account, made = service.create_account(
            name, role, area, asked, display=display, practitioner=practitioner
        )
    if json:
        found = {"name": account.name, "role": account.role, "area": account.area.code}
        emit(found if asked else {**found, "password": made})
        return
    note(t("Added {name}.", name=account.name))
    if not asked:
        line(t("First password (shown once, to be changed at sign-in): {password}", password=made))


@app.command("list", help=t("List the accounts."))
def list_(json: Json = False) -> None:
    """List."""
    with administration() as service:
        accounts = service.accounts()
    if json:
        emit(
            [
                {
                    "name": a.name,
                    "display": a.display,
                    "role": a.role.value,
                    "area": a.area.code or "*",
                    "practitioner": a.practitioner,
                    "disabled": a.disabled,
                }
                for a in accounts
            ]
        )
        return
    table(
        [t("Sign-in name"), t("Person"), t("Role"), t("Area"), t("Practitioner"), t("State")],
        [
            [
                a.name,
                a.display,
                a.role.value,
                a.area.code or "*",
                a.practitioner,
                t("disabled") if a.disabled else t("active"),
            ]
            for a in accounts
        ],
    )


@app.command(help=t("Let an account sign in no more; its sessions end."))
def disable(name: Name, json: Json = False) -> None:
    """Disable."""
    with administration() as service:
        service.change_account(number(service.accounts(), name), disabled=True)
    if json:
        emit({"name": name, "disabled": True})
    else:
        note(t("Disabled {name}.", name=name))


@app.command(help=t("Give an account a new password; its sessions end."))
def password(name: Name, stdin: Stdin = False, json: Json = False) -> None:
    """Set a password."""
    asked = given_password(stdin)
    with administration() as service:
        made = service.reset_password(number(service.accounts(), name), asked)
    if json:
        emit({"name": name} if asked else {"name": name, "password": made})
    elif asked:
        note(t("The password of {name} is set; it is to be changed at sign-in.", name=name))
    else:
        line(t("New password (shown once, to be changed at sign-in): {password}", password=made))
