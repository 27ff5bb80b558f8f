"""The real command line on a real home, in processes of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import Forge
from tests.databases import quick_place

from shangyi.store import embedded

ROOT = Path(__file__).parents[2]


@dataclass
class Home:
    """A SHANGYI_HOME and the commands on it."""

    path: Path
    forge: Forge

    @property
    def environment(self) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("SHANGYI_", "LC_", "LANG"))}
        return {
            **env,
            "PYTHONPATH": str(ROOT / "src"),
            "SHANGYI_HOME": str(self.path),
            "SHANGYI_LOG": "warning",
        }

    def run(
        self, *arguments: str, stdin: bytes = b"", code: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        text = self.forge.run(arguments, stdin, self.environment, 300)
        if code is not None:
            log = self.path / "logs" / "cli-error.log"
            detail = log.read_text()[-3000:] if log.exists() else ""
            assert text.returncode == code, (
                f"{arguments}: {text.returncode}\n{text.stdout}\n{text.stderr}\n{detail}"
            )
        return text

    def json(self, *arguments: str, stdin: bytes = b"", code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", stdin=stdin, code=code).stdout)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "shangyi.cli", *arguments]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> Path:
        """What started processes say."""
        return self.path.with_suffix(".log")

    def stop(self) -> None:
        self.run("stop", code=None)


@pytest.fixture(scope="session")
def forge() -> Iterator[Forge]:
    """What commands are forked from."""
    made = Forge({**os.environ, "PYTHONPATH": str(ROOT / "src")})
    yield made
    made.close()


@pytest.fixture(scope="session")
def home_root() -> Iterator[Path]:
    """A directory that the unprivileged account of PostgreSQL can reach when root runs the tests.

    Not below pytest's own, which every run of pytest closes to others.
    """
    with tempfile.TemporaryDirectory(prefix="shangyi-test-", dir=quick_place()) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def bare_home(home_root: Path, forge: Forge, request: pytest.FixtureRequest) -> Iterator[Home]:
    """An empty home, shared by the tests of a module."""
    made = Home(home_root / request.module.__name__.rpartition(".")[2], forge)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def home(bare_home: Home) -> Iterator[Home]:
    """The same with its database running throughout, so that each command starts quickly."""
    with embedded.start(bare_home.path, settings={"shared_buffers": "64MB", "fsync": "off"}):
        yield bare_home
