"""Rules of the cache in a running gateway, and what an answer says of it."""

import time
from typing import Any
from uuid import uuid4

import httpx2

from tests.support.gateway import RunningGateway, wait_for


def keep(gateway: RunningGateway, model: str, **facts: Any) -> dict[str, Any]:
    """A rule for a model that nothing was kept under yet; it is at work in every relay when this returns."""
    rows = [row for row in gateway.api("GET", "/cache/rules") if row["model"] == model]
    for row in rows:
        gateway.api("DELETE", f"/cache/rules/{row['id']}")
    rule = gateway.api("POST", "/cache/rules", {"model": model, **facts})
    time.sleep(1.0)
    return rule


def ask(
    gateway: RunningGateway, model: str, text: str, *, key: str | None = None, control: str | None = None, **more: Any
) -> httpx2.Response:
    """One chat over a connection of its own: whichever relay takes it."""
    headers = {"authorization": f"Bearer {key or gateway.admin_key}", "x-request-id": uuid4().hex}
    if control is not None:
        headers["cache-control"] = control
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return httpx2.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=20)


def state(response: httpx2.Response) -> str | None:
    """hit, miss, semantic, bypass; None: no rule."""
    found = response.headers.get("x-turnpike-cache")
    return None if found is None else found.partition(";")[0]


def kept_for_all(gateway: RunningGateway, entries: int) -> None:
    """Waits until the shared store has so many answers."""
    wait_for(
        f"{entries} answers in the shared store",
        lambda: True if (gateway.api("GET", "/cache/stats")["entries"] or 0) >= entries else None,
    )
