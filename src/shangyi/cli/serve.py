"""``shangyi serve``: the console and the FHIR interface."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from shangyi import __version__
from shangyi.cli import process
from shangyi.cli.output import emit, note
from shangyi.cli.text import t
from shangyi.errors import Unavailable
from shangyi.settings import Settings

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def effective(host: str | None, port: int | None, workers: int | None) -> Settings:
    """The settings with what the command line says instead."""
    settings = Settings.load()
    return replace(
        settings,
        host=host or settings.host,
        port=settings.port if port is None else port,
        workers=workers or settings.workers,
    )


def run(settings: Settings, exact_port: bool, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; requests under way are answered first."""
    import uvicorn

    from shangyi.logs import configure
    from shangyi.wiring import create_app

    home = process.prepare_home(settings.home)
    with process.listening_socket(settings.host, settings.port, 1 if exact_port else 20) as listener:
        address = process.address_of(listener)
        me = process.Serving(
            os.getpid(), address, datetime.now(UTC).isoformat(timespec="seconds"), __version__
        )
        with process.serving(home, me):
            configure(settings.log)
            os.environ["SHANGYI_HOME"] = str(settings.home)
            os.environ["SHANGYI_PORT"] = str(listener.getsockname()[1])
            os.environ["SHANGYI_HOST"] = settings.host
            many = settings.workers > 1
            config = uvicorn.Config(
                # One process opens the record before it says that it serves; several do it each for itself.
                "shangyi.wiring:create_app" if many else create_app(settings),
                factory=many,
                workers=settings.workers,
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=True,
                proxy_headers=settings.public_url is not None,
                timeout_graceful_shutdown=20,
            )
            announce(address)
            if many:
                from uvicorn.supervisors import Multiprocess

                Multiprocess(config, sockets=[listener]).run()
            else:
                uvicorn.Server(config).run(sockets=[listener])


def announce(address: str) -> None:
    """Say where it is."""
    note(t("Shangyi serves {address} (Ctrl-C or `shangyi stop` ends it)", address=address))


def announce_json(address: str) -> None:
    """Say where it is to a script."""
    emit({"address": address, "pid": os.getpid()})


def ready(address: str) -> bool:
    """Whether the server answers."""
    try:
        with urllib.request.urlopen(f"{address}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def detach(arguments: list[str], home: Path, wait_s: float = 120) -> process.Serving:
    """Start ``shangyi serve`` as a process of its own and wait until it answers. Unavailable when it does not."""
    process.prepare_home(home)
    logs = home / "logs"
    logs.mkdir(exist_ok=True)
    file = logs / "serve.log"
    command = [sys.executable, "-m", "shangyi.cli", "serve", *arguments]
    with file.open("ab") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "SHANGYI_HOME": str(home)},
        )
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline and child.poll() is None:
        found = process.current(home)
        if found and ready(found.address):
            return found
        time.sleep(0.1)
    raise Unavailable("The server did not start; the reason is at the end of {file}.", file=str(file))


@app.command(
    help=t("Serve the console and the FHIR interface.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi serve\n  shangyi serve --port 9000\n  shangyi serve --detach && shangyi status"
)
def serve(
    host: Annotated[str | None, typer.Option(help=t("Listen on this address."))] = None,
    port: Annotated[int | None, typer.Option(help=t("Listen on this port."), min=1, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help=t("So many server processes."), min=1)] = None,
    background: Annotated[bool, typer.Option("--detach", help=t("Go on in the background."))] = False,
    json: Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))] = False,
) -> None:
    """Serve."""
    settings = effective(host, port, workers)
    exact = port is not None or "SHANGYI_PORT" in os.environ
    if not background:
        run(settings, exact, announce_json if json else announce)
        return
    if found := process.current(settings.home):
        note(t("Shangyi is already running at {address}", address=found.address))
    else:
        arguments = ["--host", settings.host, "--workers", str(settings.workers)]
        found = detach([*arguments, *(["--port", str(settings.port)] if exact else [])], settings.home)
    if json:
        emit({"address": found.address, "pid": found.pid})
    else:
        note(t("Shangyi serves {address} in the background; `shangyi stop` ends it", address=found.address))
