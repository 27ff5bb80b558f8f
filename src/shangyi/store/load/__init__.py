"""Bulk load: bundles, NDJSON, single resources, directories, .gz, .zip and standard input into the record.

``load(store, paths)`` streams: files are split without being decoded, worker processes parse, validate, index and
pack, and one binary COPY stream writes. A chunk is one transaction together with its line in the ledger, so a
killed load goes on where it stopped, and the same input again adds nothing. What is refused is reported with its
place; the rest of its file or Bundle goes in. Memory does not grow with the input.
"""

from shangyi.store.load.loader import load
from shangyi.store.load.report import Progress, Refusal, Report

__all__ = ["Progress", "Refusal", "Report", "load"]
