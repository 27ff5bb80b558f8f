"""POST [base]/[type] (http://hl7.org/fhir/R4/http.html#create), with If-None-Exist."""

from shangyi.api import reply
from shangyi.api.call import Call, parse_query
from shangyi.api.reply import Reply
from shangyi.errors import Invalid


def create(call: Call) -> Reply:
    """201 with the new resource; 200 where ``If-None-Exist`` finds one, 412 where it finds several."""
    resource = call.resource()
    check_type(call, resource["resourceType"])
    condition = call.header(b"if-none-exist")
    written = call.session.create(
        resource, if_none_exist=parse_query(condition.lstrip("?")) if condition else None
    )
    return reply.written(call, written.version, 201 if written.created else 200)


def check_type(call: Call, type_: str) -> None:
    """The body is of the type that the address names."""
    if type_ != call.place["type"]:
        raise Invalid(
            "The body is a {found}, the address says {type}", found=type_[:64], type=call.place["type"]
        )
