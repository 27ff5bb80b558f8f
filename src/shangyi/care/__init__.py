"""Care of one resident and of many: so far ``standing``, how each resident stands against guideline rules.

In: the record, by the outbox. Out: states with their facts, for the console's lists and figures.
"""
