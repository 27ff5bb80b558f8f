"""Commands in processes of their own that need not import everything anew: each is forked from one that has.

A command gets its own arguments, environment, standard streams and end of the interpreter, exactly as from a shell; what
it saves is the second of processor that every start of Python takes, a hundred times in these tests. How a command
starts from nothing is what ``test_main``, ``test_faults``, ``test_disk_full`` and ``test_demo`` show.
"""

import gc
import importlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LATER = (
    "duckdb", "pyarrow.parquet", "pypinyin", "rich.console", "rich.progress", "rich.table", "typer.main",
    "shangyi.lake.analysis", "shangyi.query.conformance", "shangyi.store.load",
)  # fmt: skip
"""What commands import only when they need it."""


class Forge:
    """The process that has imported everything; ``run`` is one command, as ``subprocess.run`` would have it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
            )  # fmt: skip
        self._stream = self._ours.makefile("rw", encoding="utf-8")

    def run(
        self, arguments: tuple[str, ...], stdin: bytes, environment: Mapping[str, str], seconds: float
    ) -> subprocess.CompletedProcess[str]:
        self._ours.settimeout(seconds)
        with tempfile.TemporaryDirectory(prefix="shangyi-command-") as folder:
            places = [Path(folder, name) for name in ("in", "out", "err")]
            places[0].write_bytes(stdin)
            self._stream.write(json.dumps([arguments, dict(environment), [str(p) for p in places]]) + "\n")
            self._stream.flush()
            answer = self._stream.readline()
            assert answer, "the process that commands are forked from has ended"
            said = [place.read_bytes().decode() for place in places[1:]]
        return subprocess.CompletedProcess(["shangyi", *arguments], int(answer), *said)

    def close(self) -> None:
        self._stream.close()
        self._ours.close()
        self._process.wait(60)


def become(arguments: list[str], environment: dict[str, str], places: list[str]) -> None:
    """Be the process of this command from here on."""
    for descriptor, (place, flags) in enumerate(
        zip(places, (os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT), strict=True)
    ):
        opened = os.open(place, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["shangyi", *arguments]


def wait_for_work(channel: Any) -> None:
    """Fork a child for each command asked for; returns in the child alone."""
    gc.collect()
    gc.freeze()
    for line in channel:
        child = os.fork()
        if not child:
            channel.close()
            become(*json.loads(line))
            return
        _, status = os.waitpid(child, 0)
        channel.write(f"{os.waitstatus_to_exitcode(status)}\n")
        channel.flush()
    sys.exit()


if __name__ == "__main__":
    from shangyi.cli.main import commands, main

    for name in (*(f"shangyi.cli.{command}" for command in commands()), *LATER):
        importlib.import_module(name)
    wait_for_work(socket.socket(fileno=int(sys.argv[1])).makefile("rw", encoding="utf-8"))
    main()
