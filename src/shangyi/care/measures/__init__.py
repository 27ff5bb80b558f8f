"""Measures (http://hl7.org/fhir/R4/clinicalreasoning-quality-reporting.html): who belongs where, and what it comes to.

``definition`` reads a Measure; ``scoring`` decides for one subject, from the values of the library's definitions
(``Values``, whichever back end computes them; ``bedside`` is the one by closures); ``tally`` counts results together;
``report`` makes the MeasureReport. In: a Measure, a program, resources. Out: results, and reports.
"""

from shangyi.care.measures.bedside import Bedside
from shangyi.care.measures.definition import Definition, read
from shangyi.care.measures.period import Period
from shangyi.care.measures.report import INDIVIDUAL, SUBJECT_LIST, SUMMARY, report
from shangyi.care.measures.results import Result
from shangyi.care.measures.scoring import Values, result
from shangyi.care.measures.tally import Tally, tally

__all__ = [
    "INDIVIDUAL",
    "SUBJECT_LIST",
    "SUMMARY",
    "Bedside",
    "Definition",
    "Period",
    "Result",
    "Tally",
    "Values",
    "read",
    "report",
    "result",
    "tally",
]
