"""Homes in odd places, and what the embedded server leaves outside of its own."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from shangyi.errors import Misconfigured
from shangyi.store import embedded

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets and permissions")
SMALL = {"shared_buffers": "16MB"}
NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shangyi-place-", dir="/tmp") as name:
        os.chmod(name, 0o711)
        yield Path(name)
        for note in Path(name).glob("*/postgres/socket-directory"):
            Path(note.read_text()).rmdir()  # empty once the server has stopped


def answers(home: Path) -> bool:
    with (
        embedded.start(home, settings=SMALL) as server,
        psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection,
    ):
        return connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("name", ["with spaces", "上医 数据", "it's", "a%b\\c", "a,b", "-n", "数" * 60])
def test_a_home_of_any_name(folder: Path, name: str) -> None:
    assert answers(folder / name)
    assert answers(folder / name)


def test_a_relative_home_and_one_behind_a_link(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "link").symlink_to("real")
    (folder / "real").mkdir()
    assert answers(Path("relative"))
    assert answers(Path("link"))


def state(*places: Path) -> dict[str, tuple[int, int, int]]:
    """Mode and owner of places and of what stands directly in them."""
    found = {}
    for place in places:
        for path in (place, *(place.iterdir() if place.is_dir() else ())):
            try:
                entry = path.lstat()
            except OSError:
                continue
            found[str(path)] = (stat.S_IMODE(entry.st_mode), entry.st_uid, entry.st_gid)
    return found


def test_nothing_outside_the_home_is_changed(folder: Path) -> None:
    parents = [folder, Path(sys.prefix), Path(sys.prefix, "lib"), Path("/etc/passwd"), Path("/etc/group")]
    accounts = [Path("/etc/passwd").read_bytes(), Path("/etc/group").read_bytes()]
    before = state(*parents)
    temporary = {path.name for path in Path("/tmp").iterdir() if path.name.startswith((".s.PGSQL", "pg"))}
    assert answers(folder / "home")
    after = {path: what for path, what in state(*parents).items() if path != str(folder / "home")}
    assert after == before
    assert [Path("/etc/passwd").read_bytes(), Path("/etc/group").read_bytes()] == accounts
    now = {path.name for path in Path("/tmp").iterdir() if path.name.startswith((".s.PGSQL", "pg"))}
    assert now == temporary


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be somebody else")
def test_nobody_else_of_the_machine_reads_any_of_it(folder: Path) -> None:
    home = folder / "home"
    with embedded.start(home, settings=SMALL) as server:
        kept = [home / "database-password", *server.data.parent.rglob("*")]
        script = "import sys\nfor p in sys.stdin.read().split('\\0'):\n try: open(p); print(p)\n except OSError: pass"
        done = subprocess.run(
            [sys.executable if Path(sys.executable).resolve().is_relative_to("/usr") else "/usr/bin/python3", "-c", script],
            input="\0".join(map(str, kept)), capture_output=True, text=True, cwd="/",
            user=NOBODY, group=NOBODY, extra_groups=[],
        )  # fmt: skip
        if done.returncode:
            pytest.skip("no Python that another account may run")
        assert done.stdout == ""


def test_a_home_that_is_a_file_or_cannot_be_written(folder: Path) -> None:
    (folder / "file").write_text("x")
    with pytest.raises(Misconfigured, match="cannot be made"):
        embedded.start(folder / "file", settings=SMALL)
    assert (folder / "file").read_text() == "x"


def test_a_missing_password_is_named(folder: Path) -> None:
    assert answers(folder / "home")
    (folder / "home" / "database-password").unlink()
    with pytest.raises(Misconfigured, match="database-password"):
        embedded.start(folder / "home", settings=SMALL)
