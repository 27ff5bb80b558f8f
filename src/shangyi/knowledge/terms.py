"""Codes of the record, and behind them those of the packages."""

from shangyi.knowledge.installed import installed
from shangyi.terminology.definitions import Chain
from shangyi.terminology.service import Terminology


def with_packages(terminology: Terminology) -> Terminology:
    """The same answers, with the packages' value sets where the record has none of an address and version."""
    return Terminology(Chain(terminology.library.source, *(package.definitions for package in installed())))
