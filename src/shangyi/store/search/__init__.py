"""Search by the parameters of FHIR R4: index rows out of resources, queries into SQL, pages by keyset.

In: a resource (``index.rows``) or a ``SearchRequest`` (``execute.execute``). Out: ``IndexRow``, ``SearchResult``.
"""
