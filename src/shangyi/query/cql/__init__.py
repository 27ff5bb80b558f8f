"""Clinical Quality Language 1.5.3: text or ELM to one typed tree, which every back end starts from.

In: CQL and ELM JSON, ModelInfo files. Out: ``tree.Program`` (a library and what it includes), ELM JSON, errors with
their places (docs/cql.md).
"""
