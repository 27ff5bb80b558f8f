"""One Spark a process: started with the first engine that asks for it, stopped when the last lets go of it.

A Spark driver is a JVM beside this process. It takes ten seconds or more to start, so engines over one version of a
lake after another share it, each in a session of its own.
"""

import logging
import os
import re
import secrets
import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from shangyi.errors import Misconfigured, Unavailable

PREFIX = "spark://"
LEAST_MB = 512
"""Below it no Spark driver starts."""
_LOCAL = re.compile(r"local(?:\[(?P<threads>\d+|\*)\])?|local-cluster\[\d+,\d+,(?P<mb>\d+)\]")
_SQL = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # an overflow or a cast that fails is an error, as on DuckDB, and not NULL
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.timeType.enabled": "true",
    "spark.sql.runSQLOnFiles": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",  # the manifest names the files
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
}
_LOGS = """\
appender.none.type = Null
appender.none.name = none
rootLogger.level = off
rootLogger.appenderRef.none.ref = none
"""
"""Messages of Spark hold texts of queries and values of rows; what went wrong comes as an exception."""


class Wanted(NamedTuple):
    """``url``: SHANGYI_ENGINE. ``options``: more of Spark's own, which count before ours, as pairs."""

    url: str
    memory_mb: int
    threads: int | None
    options: tuple[tuple[str, str], ...] = ()

    @property
    def local(self) -> re.Match[str] | None:
        """Within this machine: the parts of ``local[2]`` or ``local-cluster[2,1,1024]``; None for a cluster."""
        return _LOCAL.fullmatch(self.url.removeprefix(PREFIX))

    @property
    def master(self) -> str:
        """As Spark names it."""
        local = self.local
        if local is None:
            return self.url
        if local[0] == "local":
            return f"local[{self.threads or '*'}]"
        return local[0]

    def configuration(self, scratch: Path) -> dict[str, str]:
        """Of the driver and its workers, bounded by the settings."""
        worker_mb = int(self.local["mb"] or self.memory_mb) if self.local else self.memory_mb
        found = {
            "spark.app.name": "shangyi",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.driver.memory": f"{self.memory_mb}m",
            "spark.driver.maxResultSize": f"{self.memory_mb}m",
            "spark.executor.memory": f"{worker_mb}m",
            "spark.local.dir": str(scratch),
            "spark.sql.warehouse.dir": str(scratch / "warehouse"),
            "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={scratch / 'log4j2.properties'}",
            "spark.job.interruptOnCancel": "true",
            **_SQL,
        }
        if self.local:
            cores = os.cpu_count() or 1
            found |= {
                "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.sql.shuffle.partitions": str(2 * cores),
                "spark.authenticate": "true",
                "spark.authenticate.secret": secrets.token_hex(16),
            }
        elif self.threads:
            found["spark.cores.max"] = str(self.threads)
        return found | dict(self.options)


class _Running(NamedTuple):
    wanted: Wanted
    session: Any
    scratch: Path


_lock = threading.Lock()
_running: _Running | None = None
_users = 0


def session(wanted: Wanted) -> Any:
    """A new session; ``release`` it. Misconfigured where Spark or Java are not installed, or another Spark runs here."""
    global _running, _users
    with _lock:
        if _running is None:
            _running = _start(wanted)
        elif _running.wanted != wanted:
            raise Misconfigured("A process has one Spark: {url} runs here already", url=_running.wanted.url)
        _users += 1
        return _running.session.newSession()


def release() -> None:
    """Let go of a session; the last stops Spark."""
    global _running, _users
    with _lock:
        _users -= 1
        if _users == 0 and _running is not None:
            ended, _running = _running, None
            try:
                _stop(ended.session)
            finally:
                shutil.rmtree(ended.scratch, ignore_errors=True)


def _stop(running: Any) -> None:
    """End the driver and its JVM, which has the memory."""
    from pyspark import SparkContext

    running.stop()
    gateway, SparkContext._gateway, SparkContext._jvm = SparkContext._gateway, None, None
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()  # without its parent it ends
        gateway.proc.wait(30)


def _start(wanted: Wanted) -> _Running:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise Misconfigured("pyspark is not installed: pip install shangyi[spark]") from error
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise Misconfigured(
            "Spark needs Java 17 or newer, and there is none: apt install default-jre-headless, or set JAVA_HOME"
        )
    if wanted.memory_mb < LEAST_MB:
        raise Misconfigured("Spark needs at least {least} MB: SHANGYI_LAKE_MEMORY_MB", least=LEAST_MB)
    logging.getLogger("SQLQueryContextLogger").disabled = True  # it would write texts of queries
    scratch = Path(tempfile.mkdtemp(prefix="shangyi-spark-"))
    (scratch / "log4j2.properties").write_text(_LOGS, encoding="utf-8")
    builder = SparkSession.builder.master(wanted.master)
    options: Mapping[str, str] = wanted.configuration(scratch)
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        return _Running(wanted, builder.getOrCreate(), scratch)
    except Exception as error:  # the JVM's own, py4j's, or of the gateway that does not come up
        shutil.rmtree(scratch, ignore_errors=True)
        reason = str(error).strip().partition("\n")[0]
        raise Unavailable("Spark does not start at {url}: {reason}", url=wanted.url, reason=reason) from error
