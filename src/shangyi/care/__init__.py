"""Care of one resident and of many: ``standing``, how each resident stands against guideline rules; ``population``,
the same at a million; ``measures``, Measures of FHIR by their libraries of CQL.

In: the record, by the outbox. Out: states with their facts, for the console's lists and figures; reports.
"""
