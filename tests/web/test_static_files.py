from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from shangyi.web.static_files import static_file, static_url

app = Starlette(routes=[Route("/static/{digest}/{path:path}", static_file)])


def test_an_asset_is_served_under_its_hash_for_ever() -> None:
    answer = TestClient(app).get(static_url("js/app.js"))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
