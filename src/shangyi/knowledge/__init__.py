"""Knowledge packages: loaded, checked, tested. Guidelines are data (DESIGN.md: knowledge is data).

In: a directory with a FHIR package manifest, libraries of CQL, value sets, Measures, pages and test patients. Out: a
``Package``, whose libraries are translated and whose every mistake is said with its file, line and column; the outcome
of its test patients. The packages that come with the platform are data under ``packages/``.
"""

from shangyi.knowledge.errors import PackageError
from shangyi.knowledge.installed import find, installed, named
from shangyi.knowledge.package import Package, load

__all__ = ["Package", "PackageError", "find", "installed", "load", "named"]
