"""Start, attach to, and stop the server of a home."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from shangyi.errors import Misconfigured, Unavailable
from shangyi.store.embedded import account as accounts
from shangyi.store.embedded import binaries, cluster, process
from shangyi.store.embedded.lease import Lease, exclusively

Progress = Callable[[str], None]
"""Told in English (an i18n key) what is being waited for."""

SOCKET_PATH_BYTES = 107 - len("/.s.PGSQL.5432.lock")
FOLDER = "postgres"


class Server:
    """A running server and our share in it."""

    def __init__(self, home: Path, data: Path, connection: dict[str, str], lease: Lease) -> None:
        self.home, self.data = home, data
        self._connection = connection
        self._lease: Lease | None = lease
        self.child: subprocess.Popen[bytes] | None = None

    def conninfo(self, database: str) -> str:
        """How to reach a database of this server (holds the password: not for logs)."""
        return make_conninfo(**self._connection, dbname=database)

    @property
    def pid(self) -> int | None:
        """The postmaster's process id."""
        return process.pid_of(self.data)

    def close(self, keep: bool = False) -> None:
        """Give our share back; the last one out stops the server, unless ``keep``."""
        lease, self._lease = self._lease, None
        if lease is None:
            return
        with exclusively(self.home / "start.lock"):
            if not keep and lease.last():
                process.stop(self.data, self.child)
            lease.release()
        if self.child is not None and self.child.poll() is None:
            self.child.returncode = 0  # it lives on without us: not a child that was forgotten

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def start(
    home: Path, *, progress: Progress | None = None, settings: Mapping[str, str] | None = None
) -> Server:
    """The server of ``home``: attached to when it runs, else started, with recovery as long as it takes.

    ``settings`` are further lines of postgresql.conf (tests). Raises Misconfigured, and Unavailable on a full disk.
    """
    say = progress or (lambda text: None)
    home = home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / FOLDER).mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise Misconfigured(
            "The home directory {path} cannot be made: {reason}", path=str(home), reason=error.strerror or ""
        ) from error
    if not os.access(home, os.W_OK):
        raise Misconfigured("The home directory {path} cannot be written to", path=str(home))
    data = home / FOLDER / "data"
    with exclusively(home / "start.lock"):
        lease = Lease(home / "lease.lock")
        try:
            return _start(home, data, lease, say, dict(settings or {}))
        except BaseException:
            lease.release()
            raise


def _start(home: Path, data: Path, lease: Lease, say: Progress, overrides: dict[str, str]) -> Server:
    account = accounts.choose(data)
    password = home / "database-password"
    if account.switched:
        home.chmod(0o711)
        os.chown(home / FOLDER, account.uid, account.gid)
        accounts.require_reachable(home / FOLDER, account)
    if not (data / "PG_VERSION").exists():
        say("Making the database")
        durable = overrides.get("fsync") != "off"
        cluster.create(data, binaries.locate(home, account), account, password, durable)
    if not password.exists():
        raise Misconfigured("The file {path} with the database password is missing", path=str(password))
    socket = None if sys.platform == "win32" else _socket_directory(home, account, say)
    connection = {
        "user": cluster.ROLE,
        "password": password.read_text(encoding="utf-8"),
        "connect_timeout": "10",
    }
    connection |= {
        "host": str(socket) if socket else "127.0.0.1",
        "port": str(_port(home, overrides, socket)),
    }
    server = Server(home, data, connection, lease)
    if _answers(server, attempts=1):
        return server
    say("Starting the database")
    major = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    if major != binaries.INSTALLATION.removeprefix("pginstall"):
        raise Misconfigured(
            "The database in {path} was made by PostgreSQL {version}", path=str(data), version=major
        )

    def launch() -> None:
        process.clear_stale_pid(data)
        for leftover in socket.glob(".s.PGSQL.*") if socket else ():
            leftover.unlink(missing_ok=True)  # its lock may name a number that is somebody else's now
        cluster.configure(data, account, socket, {"port": connection["port"], **overrides})
        server.child = _launch(home, data, binaries.locate(home, account), account)

    if not process.running(data):
        launch()
    _wait(server, say, launch)
    return server


def _launch(home: Path, data: Path, where: Path, account: accounts.Account) -> "subprocess.Popen[bytes]":
    log = home / FOLDER / "server.log"
    if log.exists() and log.stat().st_size > 10_000_000:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as output:
        return subprocess.Popen(
            [where / "bin" / f"postgres{binaries.SUFFIX}", "-D", data],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=data,
            env=cluster.environment(),
            start_new_session=True,  # Ctrl-C at our terminal is for us
            **account.subprocess(),
        )


def _wait(server: Server, say: Progress, launch: Callable[[], None]) -> None:
    """Until it answers, however long recovery takes; Misconfigured when it gives up."""
    log, said, relaunched = server.home / FOLDER / "server.log", "", 0
    while not _answers(server, attempts=1):
        if server.child is not None and server.child.poll() is not None:
            lines = process.tail(log)
            if any("shared memory block" in line for line in lines[-6:]) and relaunched < 300:
                relaunched += 1  # the old server's last processes are still on their way out
                time.sleep(0.1)
                launch()
                continue
            raise Misconfigured("The database does not start: {reason}", reason=process.reason(lines))
        if server.child is None and not process.running(server.data):
            launch()  # it was on its way out: the process that was to stop it was killed while it waited
        recovering = any("redo" in line or "recovery" in line for line in process.tail(log)[-5:])
        text = "The database is recovering after it was interrupted" if recovering else ""
        if text and text != said:
            say(text)
            said = text
        time.sleep(0.02)


def _answers(server: Server, attempts: int) -> bool:
    try:
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
            row = connection.execute("select current_setting('data_directory')").fetchone()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise Misconfigured(
                "The database does not accept the password in {path}",
                path=str(server.home / "database-password"),
            ) from error
        if "No space left on device" in str(error):
            # it runs, and can let nobody in: waiting would keep everybody else waiting too
            raise Unavailable(
                "The disk of the database is full: nothing was changed. Make room and try again"
            ) from error
        return False
    if row is None or Path(row[0]).resolve() != server.data.resolve():
        raise Misconfigured("Another database answers at {place}", place=str(server.data))
    return True


def _socket_directory(home: Path, account: accounts.Account, say: Progress) -> Path:
    """A directory for the socket that only the server's account may enter: in home, or a short one elsewhere."""
    directory = home / FOLDER / "run"
    if len(os.fsencode(directory)) > SOCKET_PATH_BYTES or "," in str(directory):
        note = home / FOLDER / "socket-directory"
        known = Path(note.read_text(encoding="utf-8")) if note.exists() else None
        if known is None or not _is_private(known, account):
            known = Path(tempfile.mkdtemp(prefix="shangyi-", dir="/tmp"))
            account.own(known)
            cluster.write_private(note, str(known))
            say(
                "The path of the home directory is too long for a socket, or holds a comma; it is kept below /tmp instead"
            )
        return known
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)
    account.own(directory)
    return directory


def _is_private(directory: Path, account: accounts.Account) -> bool:
    try:
        stat = directory.lstat()
    except OSError:
        return False
    return stat.st_uid == account.uid and stat.st_mode & 0o170777 == 0o040700


def _port(home: Path, overrides: dict[str, str], socket: Path | None) -> int:
    """With a socket the number is only part of its name; on loopback a free one is chosen once and kept."""
    if socket is not None:
        return cluster.PORT
    import socket as sockets

    note = home / FOLDER / "port"
    if not note.exists():
        with sockets.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            cluster.write_private(note, str(probe.getsockname()[1]))
    return int(overrides.get("port") or note.read_text(encoding="utf-8"))
