"""Operations (http://hl7.org/fhir/R4/operations.html), one a file, each starting from its definition."""
