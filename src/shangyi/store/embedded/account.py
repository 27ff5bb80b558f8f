"""The operating-system account that the server runs as: our own, or an unprivileged one when we are root."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shangyi.errors import Misconfigured

FIRST_UID = 64321
"""Where the search for a uid that no account of the system has begins; 60000–64999 is left for local use."""


@dataclass(frozen=True)
class Account:
    """``switched``: processes are started as another account than ours; ``uid`` and ``gid`` are its numbers."""

    uid: int
    gid: int
    switched: bool

    def subprocess(self) -> dict[str, Any]:
        """Arguments of ``subprocess`` that start a process as this account, with no further groups."""
        if sys.platform == "win32":
            return {}
        drop: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []}
        return {"umask": 0o077, **(drop if self.switched else {})}

    def own(self, path: Path) -> None:
        """Give a path, and everything below it, to the account."""
        if not self.switched:
            return
        os.chown(path, self.uid, self.gid, follow_symlinks=False)
        for directory, folders, files in os.walk(path):
            for name in folders + files:
                os.chown(Path(directory, name), self.uid, self.gid, follow_symlinks=False)


def _is_free(uid: int) -> bool:
    import grp
    import pwd

    try:
        pwd.getpwuid(uid)
    except KeyError:
        try:
            grp.getgrgid(uid)
        except KeyError:
            return True
    return False


def choose(data: Path) -> Account:
    """Our own account; for root the owner of existing data, else a number that no account of the system has."""
    if sys.platform == "win32":
        return Account(0, 0, switched=False)
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switched=False)
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid, switched=True)
    uid = next(uid for uid in range(FIRST_UID, FIRST_UID + 500) if _is_free(uid))
    return Account(uid, uid, switched=True)


def require_reachable(directory: Path, account: Account) -> None:
    """Misconfigured when the account cannot enter the directory; permissions of parents are never changed."""
    if not account.switched:
        return
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$1"', "sh", directory],
            capture_output=True,
            cwd="/",
            **account.subprocess(),
        )
    except OSError as error:
        raise Misconfigured(
            "Run by root, PostgreSQL needs an unprivileged account, and this one cannot be taken on: {reason}. "
            "Run Shangyi as an ordinary user",
            reason=str(error),
        ) from error
    if done.returncode != 0:
        raise Misconfigured(
            "Run by root, PostgreSQL runs as an unprivileged account, which cannot reach {path}: a directory above "
            "it is closed to others. Set SHANGYI_HOME to a place such as /var/lib/shangyi, "
            "or run Shangyi as an ordinary user",
            path=str(directory),
        )


def any_named_account() -> dict[str, Any]:
    """Arguments of ``subprocess`` for a named unprivileged account: initdb insists on a name for its own uid."""
    import pwd

    named = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    nobody = [entry for entry in named if entry.pw_name == "nobody"] or named
    if not nobody:
        raise Misconfigured(
            "Run by root, PostgreSQL needs an account such as nobody; run Shangyi as an ordinary user"
        )
    return {"user": nobody[0].pw_uid, "group": nobody[0].pw_gid, "extra_groups": [], "umask": 0o077}
