"""Data files of the generator: every rate, code and text stands there with its source, none in code."""

import csv
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import yaml  # type: ignore[import-untyped]

from shangyi.errors import Misconfigured

DATA = resources.files("shangyi.synth").joinpath("data")


@cache
def table(name: str) -> Any:
    """The content of ``data/<name>.yaml``."""
    text = DATA.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise Misconfigured(
            "The data file {name} cannot be read: {reason}", name=name, reason=str(error)
        ) from error


@cache
def folder(name: str) -> dict[str, Any]:
    """Every YAML file of ``data/<name>/`` by its stem, in the order of the names."""
    files = sorted(file.name for file in DATA.joinpath(name).iterdir() if file.name.endswith(".yaml"))
    return {file[:-5]: table(f"{name}/{file[:-5]}") for file in files}


@cache
def rows(name: str) -> list[dict[str, str]]:
    """The rows of ``data/<name>.csv``; lines that begin with # are comments."""
    lines = DATA.joinpath(f"{name}.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def step(ages: Sequence[float], values: Sequence[float], age: float) -> float:
    """The value of the band that ``age`` (years) falls in; ``ages`` are the lower bounds; 0 below the first."""
    index = bisect_right(ages, age) - 1
    return float(values[index]) if index >= 0 else 0.0


def line(ages: Sequence[float], values: Sequence[float], age: float) -> float:
    """Straight lines through (ages, values), flat outside."""
    index = bisect_right(ages, age)
    if index == 0:
        return float(values[0])
    if index == len(ages):
        return float(values[-1])
    low, high = ages[index - 1], ages[index]
    return float(values[index - 1] + (values[index] - values[index - 1]) * (age - low) / (high - low))


def by_age(curve: Mapping[str, Any], sex: str, age: float) -> float:
    """The step value of a data file's ``{age: […], male: […], female: […]}`` (or ``value`` for both sexes)."""
    return step(curve["age"], curve.get(sex) or curve["value"], age)
