"""The population in columns: where everybody lives and how they stand, for figures and lists over many residents.

In: a lake, asked by its engine, and the rules of ``care.standing``, compiled to SQL. Out: a directory of numpy arrays,
made anew when the lake or the day has changed, which every server process maps and answers from in milliseconds.
One panel's worklist and one resident's page are asked of the record, which is never behind. See docs/care.md.
"""
