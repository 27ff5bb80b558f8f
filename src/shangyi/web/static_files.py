"""Static assets under addresses that hold a hash of their content, so that a browser may keep them for ever."""

import hashlib
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

from shangyi.errors import NotFound

TYPES = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "png": "image/png",
}
IMMUTABLE = "public, max-age=31536000, immutable"


@cache
def _assets() -> dict[str, tuple[bytes, str]]:
    """Every asset by its path below ``static/``: content and the first 12 hex digits of its SHA-256."""
    root = resources.files("shangyi.web").joinpath("static")
    found: dict[str, tuple[bytes, str]] = {}
    for folder in root.iterdir():
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.name.rpartition(".")[2] in TYPES:
                content = file.read_bytes()
                found[f"{folder.name}/{file.name}"] = (content, hashlib.sha256(content).hexdigest()[:12])
    return found


def static_url(path: str) -> str:
    """``/static/<hash>/<path>`` of an asset; KeyError for one that does not exist (a template's mistake)."""
    return f"/static/{_assets()[path][1]}/{path}"


def static_file(request: Request) -> Response:
    """GET /static/{digest}/{path}."""
    asset = _assets().get(request.path_params["path"])
    if asset is None or asset[1] != request.path_params["digest"]:
        raise NotFound("There is no such page")
    media_type = TYPES[request.path_params["path"].rpartition(".")[2]]
    return Response(asset[0], media_type=media_type, headers={"Cache-Control": IMMUTABLE})
