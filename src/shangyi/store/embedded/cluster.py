"""A data directory: made once by initdb, then configured anew at every start from the lines below."""

import hmac
import os
import secrets
import subprocess
import sys
import tempfile
from base64 import b64encode
from hashlib import pbkdf2_hmac, sha256
from pathlib import Path
from typing import Any

from shangyi.errors import Misconfigured
from shangyi.store.embedded.account import Account, any_named_account
from shangyi.store.embedded.binaries import SUFFIX

ROLE = "shangyi"
PORT = 5432
INITDB = f"-U {ROLE} -A scram-sha-256 -E UTF8 --locale=C --no-sync --no-instructions".split()
AUTHENTICATION = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n"

SETTINGS = {
    # Durable: acknowledged is on disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "pglz",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_buffers": "16MB",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "commit_delay": "0",
    # Sized for a laptop that does other things as well; see `sized` for what goes by its memory.
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "200",  # 20 a server process
    "max_locks_per_transaction": "256",
    "dynamic_shared_memory_type": "mmap" if sys.platform != "win32" else "windows",  # /dev/shm may hold 64 MB
    "max_parallel_workers_per_gather": "1",
    "jit": "off",
    "io_method": "sync",  # what is asked is cached; to hand each read to another process costs more than the read
    "random_page_cost": "1.1",
    "autovacuum_vacuum_insert_scale_factor": "0.5",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.05",
    "autovacuum_naptime": "30s",
    # Nothing personal in the log: neither statements nor the values that an error message would quote.
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "lc_messages": "C",
    "datestyle": "ISO",
}


def memory_mb() -> int:
    """The memory of the machine, or of the container that we are in; 4 GiB where it cannot be told."""
    try:
        found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    except (AttributeError, ValueError, OSError):
        return 4096
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return found
    return min(found, int(limit) >> 20) if limit.isdigit() else found


def sized(memory_mb: int) -> dict[str, str]:
    """What goes by the memory: an eighth of it for our own cache, between 128 MB and 4 GB."""
    return {
        "shared_buffers": f"{min(max(memory_mb // 8, 128), 4096)}MB",
        "effective_cache_size": f"{max(memory_mb // 2, 512)}MB",
    }


def environment() -> dict[str, str]:
    """What the server needs of our environment, and nothing else."""
    kept = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C", "TZ": "UTC"}


def write_private(path: Path, text: str) -> None:
    """A file that only we may read, complete or not there."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def scram_verifier(password: str) -> str:
    """The password as PostgreSQL keeps it (RFC 5803): useless to whoever reads it while initdb runs."""
    salt, iterations = secrets.token_bytes(16), 4096
    salted = pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    stored = sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [b64encode(part).decode("ascii") for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def _run(command: list[str], where: Path, given: dict[str, Any]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=where, env=environment(), **given)
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip()
        raise Misconfigured("The database could not be made: {reason}", reason=reason[-600:])


def create(data: Path, binaries: Path, account: Account, password_file: Path, durable: bool = True) -> None:
    """A new cluster in ``data``, complete or not there: made aside, then renamed. C locale, UTF-8.

    ``durable``: on disk before it counts as made.
    """
    if not password_file.exists():
        write_private(password_file, secrets.token_urlsafe(32))
    password = password_file.read_text(encoding="utf-8")
    made = Path(tempfile.mkdtemp(prefix="new-", dir=data.parent))
    given: dict[str, Any] = dict(account.subprocess())
    if account.switched:  # initdb wants a named uid; what it makes holds nothing yet and is given over below
        given = dict(any_named_account())
        data.parent.chmod(0o711)
        os.chown(made, given["user"], given["group"])
    verifier = made / "verifier"
    verifier.write_text(scram_verifier(password), encoding="utf-8")
    if account.switched:
        os.chown(verifier, given["user"], given["group"])
    _run(
        [
            str(binaries / "bin" / f"initdb{SUFFIX}"),
            "-D",
            str(made / "data"),
            "--pwfile",
            str(verifier),
            *INITDB,
        ],
        made,
        given,
    )
    verifier.unlink()
    if account.switched:
        account.own(made)
        data.parent.chmod(0o700)
    if durable and hasattr(os, "sync"):
        os.sync()
    (made / "data").rename(data)
    made.rmdir()


def _quoted(value: str) -> str:
    """As it stands between single quotes in postgresql.conf."""
    return value.replace("\\", "\\\\").replace("'", "''")


def configure(data: Path, account: Account, socket: Path | None, overrides: dict[str, str]) -> None:
    """Write ``postgresql.conf``: ours alone, so a new release may change what an old one wrote."""
    listen = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket),
        "unix_socket_permissions": "0700",
    }
    if socket is None:
        listen = {"listen_addresses": "127.0.0.1"}
    lines = [
        f"{name} = '{_quoted(str(value))}'"
        for name, value in (SETTINGS | sized(memory_mb()) | listen | overrides).items()
    ]
    text = "# Written by Shangyi at every start.\n" + "\n".join(lines) + "\n"
    for name, content in (("postgresql.conf", text), ("pg_hba.conf", AUTHENTICATION)):
        write_private(data / name, content)
        account.own(data / name)
