"""Make or renew ``.venv`` from a lock file: ``bootstrap.py LOCK VENV STAMP``. Called by ``./shangyi``.

The standard library only. One process at a time works (an advisory lock beside the environment), the others
wait and find it done. The stamp, a copy of the lock file, is written last, so that an interrupted run is
repeated. Downloads go to a terminal as one moving line, elsewhere as two lines.
"""

import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHINESE = next(
    (v for n in ("SHANGYI_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG") if (v := os.environ.get(n))), "en"
).startswith("zh")
LIVE = sys.stderr.isatty()


def say(english: str, chinese: str, end: str = "\n") -> None:
    text = chinese if CHINESE else english
    if LIVE:
        text = "\r\x1b[2K" + text
    sys.stderr.buffer.write((text + end).encode())
    sys.stderr.flush()


def fail(english: str, chinese: str, detail: str = "") -> None:
    say(english, chinese)
    if detail:
        print(detail, file=sys.stderr)
    sys.exit(6)


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Hold an advisory lock; the system lets go of it when the process ends, however it ends."""
    with file.open("a+b") as handle:
        if sys.platform == "win32":
            import msvcrt

            while True:
                try:
                    msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
                    break
                except OSError:
                    time.sleep(0.5)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def interpreter(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def works(*command: str | Path) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def environment(folder: Path) -> list[str | Path]:
    """Make the environment where there is none that works; the pip command that installs into it."""
    python = interpreter(folder)
    if not (python.exists() and works(python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))")):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            venv.create(folder, with_pip=False, symlinks=sys.platform != "win32")
        except OSError as error:
            fail(
                f"{folder} cannot be made: {error}. Check that the directory can be written to and has space.",
                f"无法建立 {folder}：{error}。请检查目录是否可写、磁盘是否有空间。",
            )
    if works(python, "-m", "pip", "--version") or works(python, "-m", "ensurepip"):
        return [python, "-m", "pip"]
    # Debian parts ensurepip from Python; the pip of the system can install elsewhere.
    if works(sys.executable, "-m", "pip", "--python", python, "--version"):
        return [sys.executable, "-m", "pip", "--python", python]
    fail(
        "Python is here, but pip is not. Install it (Debian, Ubuntu: apt install python3-venv) and try again.",
        "有 Python，但没有 pip。请先安装（Debian、Ubuntu：apt install python3-venv），然后重试。",
    )
    raise AssertionError


def install(pip: list[str | Path], lock: Path) -> None:
    """Install what the lock file names, every file held to its hash; wheels only, nothing is compiled."""
    command = [*pip, "install", "--require-hashes", "--only-binary=:all:", "--no-deps", "-r", lock]
    command += [
        "--progress-bar=off",
        "--disable-pip-version-check",
        "--no-input",
        "--no-warn-script-location",
    ]
    names = [line.split("==")[0] for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line]
    say(
        f"Shangyi: installing about {len(names)} packages (once; a minute or two) …",
        f"上医：正在安装约 {len(names)} 个软件包（仅首次，约一两分钟）……",
        end="" if LIVE else "\n",
    )
    started = time.monotonic()
    output: list[str] = []
    done = 0
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            output.append(line.rstrip())
            word, _, rest = line.strip().partition(" ")
            if word in {"Collecting", "Requirement"}:
                done += 1
            if LIVE and word in {"Collecting", "Installing"}:
                name = rest.partition("==")[0][:40] if word == "Collecting" else ""
                say(
                    f"Shangyi: installing packages {done}/{len(names)} {name}",
                    f"上医：正在安装软件包 {done}/{len(names)} {name}",
                    end="",
                )
    if process.returncode:
        errors = [line for line in output if "ERROR" in line or "error:" in line.lower()] or output[-3:]
        fail(
            "The packages could not be installed. Is the network, or your package mirror "
            "(pip config set global.index-url …), reachable? Nothing is half done: run the same command again.",
            "软件包安装失败。请检查网络或软件源（pip config set global.index-url …）是否可用，然后重新运行同一命令。",
            "\n".join(f"  pip: {line.strip()}" for line in errors[-4:]),
        )
    took = time.monotonic() - started
    say(f"Shangyi: packages installed in {took:.0f} s.", f"上医：软件包安装完成，用时 {took:.0f} 秒。")


def main() -> None:
    lock, folder, stamp = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    try:
        guard = folder.with_name(folder.name + ".lock")
        with alone(guard):
            wanted = lock.read_bytes()
            written = folder / stamp
            if not (
                written.exists() and written.read_bytes() == wanted and works(interpreter(folder), "-c", "")
            ):
                pip = environment(folder)
                install(pip, lock)
                # The locks for running and for testing share an environment: the last one installed counts.
                for old in folder.glob("*.lock"):
                    old.unlink()
                written.write_bytes(wanted)
    except PermissionError as error:
        fail(
            f"{error.filename} cannot be written. Run from a checkout of your own, or use: pip install .",
            f"{error.filename} 不可写。请在自己的目录中检出后运行，或使用 pip install . 安装。",
        )
    except KeyboardInterrupt:
        fail("Stopped. Run the same command again to go on.", "已中断。重新运行同一命令即可继续。")


if __name__ == "__main__":
    main()
