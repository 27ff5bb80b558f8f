"""What is served, in one table. Read this first: each row is FHIR's code, method, address, and the handler."""

from starlette.routing import BaseRoute

from shangyi.access import Access
from shangyi.api import health
from shangyi.api.body import Limits
from shangyi.api.dispatch import FhirRoute, Interaction
from shangyi.api.interactions import exports
from shangyi.api.interactions.batch import batch
from shangyi.api.interactions.capabilities import capabilities
from shangyi.api.interactions.create import create
from shangyi.api.interactions.delete import conditional_delete, delete
from shangyi.api.interactions.history import history
from shangyi.api.interactions.operation import operation
from shangyi.api.interactions.patch import conditional_patch, patch
from shangyi.api.interactions.read import read, reading
from shangyi.api.interactions.search import compartment_search, search
from shangyi.api.interactions.update import conditional_update, update
from shangyi.api.interactions.vread import vread
from shangyi.lake.asking import Analysts

PREFIX = "/fhir"


def codes() -> list[str]:
    """FHIR's names of all interactions that are served."""
    return ["transaction" if row.handler is batch else row.code for row in INTERACTIONS] + ["batch"]


INTERACTIONS: tuple[Interaction, ...] = (
    Interaction("capabilities", "GET", "/metadata", capabilities(codes), public=True),
    Interaction("batch", "POST", "/", batch),
    Interaction("search-system", "GET", "/", search),
    Interaction("search-system", "POST", "/_search", search),
    Interaction("history-system", "GET", "/_history", history),
    Interaction("operation", "GET", "/{operation}", operation),
    Interaction("operation", "POST", "/{operation}", operation),
    Interaction("operation", "GET", "/{logical}/{operation}", operation),
    Interaction("operation", "POST", "/{logical}/{operation}", operation),
    Interaction("operation", "GET", "/{logical}/{view}/{operation}", operation),
    Interaction("operation", "POST", "/{logical}/{view}/{operation}", operation),
    Interaction("operation", "GET", "/$viewdefinition-export/{export}", exports.status),
    Interaction("operation", "DELETE", "/$viewdefinition-export/{export}", exports.cancel),
    Interaction("operation", "GET", "/$viewdefinition-export/{export}/{file}", exports.file),
    Interaction("create", "POST", "/{type}", create),
    Interaction("search-type", "GET", "/{type}", search),
    Interaction("search-type", "POST", "/{type}/_search", search),
    Interaction("update", "PUT", "/{type}", conditional_update),
    Interaction("patch", "PATCH", "/{type}", conditional_patch),
    Interaction("delete", "DELETE", "/{type}", conditional_delete),
    Interaction("history-type", "GET", "/{type}/_history", history),
    Interaction("operation", "GET", "/{type}/{operation}", operation),
    Interaction("operation", "POST", "/{type}/{operation}", operation),
    Interaction("read", "GET", "/{type}/{id}", read, steps=reading),
    Interaction("update", "PUT", "/{type}/{id}", update),
    Interaction("patch", "PATCH", "/{type}/{id}", patch),
    Interaction("delete", "DELETE", "/{type}/{id}", delete),
    Interaction("history-instance", "GET", "/{type}/{id}/_history", history),
    Interaction("vread", "GET", "/{type}/{id}/_history/{version}", vread),
    Interaction("operation", "GET", "/{type}/{id}/{operation}", operation),
    Interaction("operation", "POST", "/{type}/{id}/{operation}", operation),
    Interaction("search-compartment", "GET", "/{type}/{id}/{member}", compartment_search),
    Interaction("search-compartment", "POST", "/{type}/{id}/{member}/_search", compartment_search),
)


def routes(access: Access, limits: Limits | None = None, analysts: Analysts | None = None) -> list[BaseRoute]:
    """FHIR under ``/fhir``, and the health of the process. ``analysts``: of the lake, where the server has one."""
    return [FhirRoute(access, INTERACTIONS, PREFIX, limits, analysts=analysts), *health.routes(access)]
