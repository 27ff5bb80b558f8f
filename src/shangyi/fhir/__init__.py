"""FHIR R4: structure tables, JSON and XML, validation, references, search-parameter definitions."""
