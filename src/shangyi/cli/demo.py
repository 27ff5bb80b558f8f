"""``shangyi demo``: everything set up with a synthetic county, then served."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from shangyi.cli import demonstration, serve
from shangyi.cli.output import emit, line, note, progress
from shangyi.cli.owner import opened
from shangyi.cli.process import current, prepare_home, turn
from shangyi.cli.text import t
from shangyi.wiring import Opened

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def box(text: str, title: str) -> None:
    """A framed text on stdout."""
    from rich.console import Console
    from rich.panel import Panel

    console = Console(markup=False, highlight=False, width=None if os.isatty(1) else 100)
    console.print(Panel(text, title=title, border_style="cyan", padding=(1, 2), expand=False))


def show(state: demonstration.State, address: str | None, file: Path) -> None:
    """Address, accounts, token."""
    rows = [t("Console: {address}", address=address or t("not started (shangyi serve)")), ""]
    rows.append(t("Sign in as one of these (passwords for looking around only, kept in {file}):", file=file))
    rows += [f"  {a.name:<10} {a.password}   {t(a.meaning)}" for a in state.accounts]
    box("\n".join(rows), t("Shangyi 上医: a county of people who do not exist"))
    # Outside the frame, to be copied.
    line(t("FHIR interface, with a token that ends {day}:", day=state.token_expires[:10]))
    line(f"  curl -H 'Authorization: Bearer {state.token}' '{address or 'http://…'}/fhir/Patient?name=zs'")


@app.command(
    help=t("Set everything up with a synthetic county, one account for each role and a token; then serve.")
    + "\n\n"
    + t("A second start takes seconds and keeps the data; an interrupted first start goes on where it was.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi demo\n  shangyi demo --detach --port 9000\n  shangyi demo --residents 200 --no-serve"
)
def demo(
    residents: Annotated[int, typer.Option(help=t("So many residents with a full record."), min=1)] = 2000,
    seed: Annotated[int, typer.Option(help=t("The same seed makes the same county."), min=0)] = 7,
    until: Annotated[
        datetime | None, typer.Option(help=t("The last day; default yesterday."), formats=["%Y-%m-%d"])
    ] = None,
    host: Annotated[str | None, typer.Option(help=t("Listen on this address."))] = None,
    port: Annotated[int | None, typer.Option(help=t("Listen on this port."), min=1, max=65535)] = None,
    background: Annotated[bool, typer.Option("--detach", help=t("Go on in the background."))] = False,
    no_serve: Annotated[bool, typer.Option("--no-serve", help=t("Set up only."))] = False,
    json: Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))] = False,
) -> None:
    """Demonstrate."""
    settings = serve.effective(host, port, None)
    home = prepare_home(settings.home)
    last = until.date() if until else date.today() - timedelta(days=1)
    wanted = demonstration.State(residents, seed, last.isoformat())
    with opened(settings) as found:
        with turn(home / "demo.lock", lambda: note(t("Another `shangyi demo` sets this home up; waiting …"))):
            state = prepared(found, wanted, home, json)
        exact = port is not None or "SHANGYI_PORT" in os.environ
        if background or no_serve or current(home):
            address = None
            if other := current(home):
                address = other.address
            elif background:
                arguments = ["--host", settings.host, *(["--port", str(settings.port)] if exact else [])]
                address = serve.detach(arguments, home).address
            finish(state, address, home, json)
        else:
            serve.run(settings, exact, announce=lambda where: finish(state, where, home, json))


def prepared(found: Opened, wanted: demonstration.State, home: Path, quiet: bool) -> demonstration.State:
    """Take every step of the set-up that is not taken yet."""
    state = demonstration.State.read(home) or wanted
    state.write(home)
    if (state.residents, state.seed) != (wanted.residents, wanted.seed):
        note(t("This home already has a county of {count} residents; it is kept.", count=state.residents))
    if not state.loaded:
        with progress(t("Making and loading the county"), t("resources"), quiet=quiet) as update:
            demonstration.load(found, state, update)
        state.loaded = datetime.now(UTC).isoformat(timespec="seconds")
        state.write(home)
    demonstration.accounts(found.access, state, home)
    demonstration.token(found.access, state, home)
    return state


def finish(state: demonstration.State, address: str | None, home: Path, json: bool) -> None:
    """Say where everything is."""
    if json:
        emit(
            {
                "address": address,
                "token": state.token,
                "accounts": [account.to_json() for account in state.accounts],
            }
        )
        return
    show(state, address, home / demonstration.FILE)
    if address:
        line(t("Ctrl-C or `shangyi stop` ends it; the data stays. Add your own records: shangyi load PATH"))
