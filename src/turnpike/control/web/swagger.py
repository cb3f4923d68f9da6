"""The pages of /api/v1/docs: Swagger UI out of an installed package, so that a browser asks no other host for it."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, Response

from turnpike.errors import NotFound

DOCS = "/api/v1/docs"
_FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
_POLICY = (
    "default-src 'none'; script-src 'self' {script}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KEEP = "public, max-age=86400"


@cache
def _folder() -> Path | None:
    """Found without loading the package's code."""
    spec = find_spec("fastapi_offline")
    places = spec.submodule_search_locations if spec is not None else None
    return Path(places[0]) / "static" if places else None


async def _page() -> HTMLResponse:
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Turnpike: the platform API",
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="docs/favicon.png",
        swagger_ui_parameters={"persistAuthorization": False, "tryItOutEnabled": True},
    )
    script = re.findall(rb"<script>(.*?)</script>", bytes(page.body), re.DOTALL)[0]
    hashed = f"'sha256-{b64encode(sha256(script).digest()).decode()}'"
    page.headers["content-security-policy"] = _POLICY.format(script=hashed)
    return page


async def _file(name: str) -> Response:
    folder, kind = _folder(), _FILES.get(name)
    if folder is None or kind is None:
        raise NotFound(f"There is no file {name} of the API's pages.")
    return Response((folder / name).read_bytes(), media_type=kind, headers={"cache-control": _KEEP})


PAGES = ((DOCS, _page), (DOCS + "/{name}", _file))
