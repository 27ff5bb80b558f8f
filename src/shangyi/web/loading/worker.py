"""The process that loads: ``python -m shangyi.web.loading.worker HOME ID``, the database's address on stdin.

It acts as the account that dropped the files, as far as that account may load now.
"""

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from shangyi.access import Access, Session
from shangyi.errors import Forbidden, ShangyiError, Unavailable
from shangyi.store.database import Store
from shangyi.store.embedded.lease import claim, exclusively
from shangyi.store.load import Progress, Refusal, Report, load
from shangyi.web.loading.jobs import Job, Jobs

MOST_ATTEMPTS = 3


class Cancelled(Exception):
    """Somebody asked to stop."""


def unpacked(files: list[Path]) -> int:
    """How many bytes there are to read, as far as the files say so (gzip knows its size modulo 4 GiB)."""
    total = 0
    for file in files:
        with file.open("rb") as stream:
            head = stream.read(2)
            if head == b"\x1f\x8b" and file.stat().st_size > 18:
                stream.seek(-4, 2)
                total += int.from_bytes(stream.read(4), "little")
            elif zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as archive:
                    total += sum(member.file_size for member in archive.infolist())
            else:
                total += file.stat().st_size
    return total


def session_of(access: Access, job: Job) -> Session:
    """The account's session as it is now. Raises Forbidden where it may not load any more."""
    account = access.accounts.by_id(int(job.account.partition(":")[2]))
    session = Session(access, account.principal())
    if account.disabled:
        raise Forbidden("The account was disabled")
    session.require_use("load")
    return session


def work(jobs: Jobs, job: Job, store: Store, access: Access) -> None:
    """Load the files of a job and keep its state; whatever happens is said there."""
    place = jobs.place(job.id)
    files = sorted((place / "files").iterdir())
    names = {str(file): name for file, (name, _) in zip(files, job.files, strict=False)}

    def progress(state: Progress) -> None:
        job.bytes, job.resources, job.refused = state.bytes, state.resources, state.refused
        job.seconds = state.seconds
        jobs.write(job)
        if jobs.cancelled(job.id):
            raise Cancelled

    def refused(refusal: Refusal) -> None:
        path, _, member = refusal.source.partition("!")
        source = names.get(path, Path(path).name) + (f"!{member}" if member else "")
        issues = [
            {"text": i.text, "args": {k: str(v) for k, v in i.args.items()}, "expression": i.expression or ""}
            for i in refusal.issues
        ]
        row = {"source": source, "place": refusal.place, "reference": refusal.reference, "issues": issues}
        jobs.refuse(job.id, [row])

    def all_of_it(_: object) -> Report:
        # one process beside the server is enough: pages are to stay quick meanwhile
        return load(store, files, workers=0, progress=progress, on_refusal=refused)

    report = session_of(access, job).load("console", all_of_it, files=len(files), upload=job.id)
    job.added, job.updated = report.added, report.updated
    job.unchanged, job.refused = report.unchanged + report.skipped, report.refused
    job.resources, job.types = report.resources, dict(report.types)
    job.status, job.seconds = "done", report.seconds


def run(home: Path, id: str, conninfo: str) -> None:
    """One job, one at a time of all; nothing where another process has it."""
    jobs = Jobs(home)
    held = claim(jobs.place(id) / "lock")
    if held is None:
        return
    with exclusively(jobs.directory / "turn"):
        job = jobs.read(id)
        if job.running:
            _attempt(jobs, job, lambda: Store(conninfo, connections=4), home)
    held.release()


def _attempt(jobs: Jobs, job: Job, open: Callable[[], Store], home: Path) -> None:
    job.attempts += 1
    try:
        if jobs.cancelled(job.id):
            raise Cancelled
        if job.attempts > MOST_ATTEMPTS:
            raise Unavailable("The load was ended from outside each time; load the files with shangyi load")
        job.status, job.total = "running", unpacked(sorted((jobs.place(job.id) / "files").iterdir()))
        jobs.write(job)
        with open() as store, Access(store.repository, store.pool, home) as access:
            access.start()
            work(jobs, job, store, access)
    except Cancelled:
        job.status = "cancelled"
    except Unavailable as error:
        # the database went with the server: the next start goes on
        if job.attempts <= MOST_ATTEMPTS:
            jobs.write(job)
            return
        job.status, job.problem = "failed", error.issues[0].diagnostics
    except ShangyiError as error:
        job.status, job.problem = "failed", error.issues[0].text
    except Exception as error:
        # what the error says may hold data of a resident
        job.status, job.problem = "failed", type(error).__name__
    jobs.finish(job)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], sys.stdin.read())
