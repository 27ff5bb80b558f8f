"""HTTP: FHIR R4 REST under ``/fhir``, operations, health.

In: HTTP requests, with a bearer token or the console's session. Out: resources, Bundles and OperationOutcomes in JSON or
XML. ``routes.py`` is the table of what is served; ``dispatch.py`` the one way from a request to an interaction and back;
each interaction is a file under ``interactions/``, each operation one under ``operations/``. The record is reached only
through an ``access.Session``, which decides and audits. See docs/api.md.
"""

from shangyi.api.routes import routes

__all__ = ["routes"]
