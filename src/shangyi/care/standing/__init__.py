"""How each resident stands: rules in ``data/*.yaml``, each with its guideline, evaluated to spans of days.

``evaluate`` answers for one resident from the bodies of the record; ``keep`` holds the answers for everybody in two
tables, following the outbox; ``people`` and ``figures`` ask those tables by scope and day.
"""
