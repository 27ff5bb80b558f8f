"""One local Spark with two workers for all tests that need it; they skip where it cannot run, and say what is missing."""

import gc
import importlib.util
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shangyi import lake
from shangyi.lake import spark_context

URL, MEMORY_MB = "spark://local-cluster[2,1,1024]", 1024
OPTIONS = {
    "spark.sql.codegen.wholeStage": "false",  # on small data to compile costs more than to interpret
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.task.maxFailures": "1",
}
Start = Callable[..., "lake.SparkEngine"]


def missing() -> str | None:
    """What has to be installed first."""
    if importlib.util.find_spec("pyspark") is None:
        return "needs pyspark: pip install 'pyspark>=4.1,<5'"
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        return "needs Java 17 or newer: apt install default-jre-headless"
    return None


def engine(directory: Path, **more: float) -> "lake.SparkEngine":
    """Spark over the lake in a directory, on the workers that are there."""
    return lake.SparkEngine(lake.open(directory), URL, memory_mb=MEMORY_MB, options=OPTIONS, **more)


@contextmanager
def workers() -> Iterator[Start]:
    """The workers, as long as this block."""
    if reason := missing():
        pytest.skip(reason)
    spark_context.session(spark_context.Wanted(URL, MEMORY_MB, None, tuple(sorted(OPTIONS.items()))))
    try:
        yield engine
    finally:
        with warnings.catch_warnings():  # py4j leaves the sockets of ended threads to the collector
            warnings.simplefilter("ignore", ResourceWarning)
            spark_context.release()
            gc.collect()
