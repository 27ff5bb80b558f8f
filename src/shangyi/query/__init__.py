"""The compiler: FHIRPath, later ViewDefinition and CQL, to one typed tree; back ends for one resident and for all.

In: expressions and resources. Out: values, issues (docs/fhirpath.md).
"""
