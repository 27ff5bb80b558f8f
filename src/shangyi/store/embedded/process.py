"""The postmaster as a process: is the one in ``postmaster.pid`` alive, and is it ours?"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def pid_of(data: Path) -> int | None:
    """The process id that ``postmaster.pid`` names, or None."""
    try:
        return int((data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _is_postgres(pid: int) -> bool:
    """Whether the pid is a living PostgreSQL; after a reboot the number may be anybody's, or a zombie's."""
    status = Path(f"/proc/{pid}/stat")
    if status.exists():
        try:
            text = status.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        name, state = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2]
        return "postgres" in name and state not in "ZX"
    if sys.platform.startswith("linux"):
        return False
    if sys.platform == "win32":
        return True  # the server itself finds out
    done = subprocess.run(["ps", "-o", "stat=,comm=", "-p", str(pid)], capture_output=True, text=True)
    return "postgres" in done.stdout and not done.stdout.lstrip().startswith("Z")


def running(data: Path) -> bool:
    """Whether a PostgreSQL that is named in ``postmaster.pid`` lives."""
    pid = pid_of(data)
    return pid is not None and _is_postgres(pid)


def clear_stale_pid(data: Path) -> None:
    """Make a leftover ``postmaster.pid`` harmless when its number now belongs to another program or a zombie.

    The number is replaced by our own, which PostgreSQL takes for stale (a parent's), rather than the file removed:
    the rest of it lets the new server see whether processes of the old one still hold its shared memory.
    """
    file = data / "postmaster.pid"
    pid = pid_of(data)
    if pid is None:
        if file.exists() and not file.read_text(encoding="utf-8", errors="replace").strip():
            file.unlink()
        return
    if _is_postgres(pid):
        return
    lines = file.read_text(encoding="utf-8").split("\n")
    stat = file.stat()
    part = file.with_name("postmaster.pid.part")
    part.write_text("\n".join([str(os.getpid()), *lines[1:]]), encoding="utf-8")
    part.chmod(0o600)
    if hasattr(os, "chown") and os.geteuid() == 0:
        os.chown(part, stat.st_uid, stat.st_gid)
    part.replace(file)


def stop(data: Path, child: "subprocess.Popen[bytes] | None", wait_seconds: float = 60) -> bool:
    """Ask for a fast shutdown and wait; False when it still runs."""
    pid = pid_of(data)
    if pid is not None and _is_postgres(pid):
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/PID", str(pid)], capture_output=True)
        else:
            os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + wait_seconds
    # its pid file goes a moment before the process does
    while (running(data) or (pid is not None and _is_postgres(pid))) and time.monotonic() < deadline:
        if child is not None:
            child.poll()  # reap it
        time.sleep(0.02)
    if child is not None:
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            return False
    return not running(data)


def reason(lines: list[str]) -> str:
    """Why the server ended: the last lines of its log that are more than information."""
    grave = [line for line in lines[-30:] if line.startswith(("PANIC:", "FATAL:", "ERROR:"))]
    return " / ".join(dict.fromkeys(grave[-3:] or lines[-4:]))


def tail(log: Path, size: int = 4000) -> list[str]:
    """The last lines of the server's log, without time and process id."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - size))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line.split("] ", 1)[-1] for line in lines]
