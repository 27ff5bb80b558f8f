import pytest
from starlette.requests import Request

from shangyi.errors import NotFound
from shangyi.web.static_files import static_file, static_url


def request(address: str) -> Request:
    _, _, digest, path = address.split("/", 3)
    return Request(
        {"type": "http", "method": "GET", "headers": [], "path_params": {"digest": digest, "path": path}}
    )


def test_an_asset_is_served_under_its_hash_for_ever() -> None:
    answer = static_file(request(static_url("js/app.js")))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")


def test_another_hash_is_not_served() -> None:
    with pytest.raises(NotFound):
        static_file(request("/static/000000000000/js/app.js"))
