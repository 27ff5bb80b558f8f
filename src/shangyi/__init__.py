"""Shangyi 上医: one FHIR R4 record for a population, and what can be learnt from it."""

__version__ = "0.1.0"
