"""One resident's record as a doctor reads it: pure functions from FHIR resources to the page's components.

In: the resources of the resident's compartment, as dicts. Out: models of ``web.components``. No threshold lives
here: what is high or low is what the record itself says (interpretation, referenceRange).
"""
