"""The interactions of FHIR's REST interface, one a file (http://hl7.org/fhir/R4/http.html)."""
