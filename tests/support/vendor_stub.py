"""One server that stands for every vendor: at `/NAME` below its address it answers as the vendor NAME is documented to.

It checks nothing but remembers each request, so that a test can say what a vendor would have been sent. Its lists of
models have the vendor's own form where that differs from OpenAI's.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from turnpike.wire.vendors import VENDORS

SAID = "Hello from the stub."


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    """Below the vendor's own address, with the query."""
    headers: dict[str, str]
    body: Any


@dataclass
class VendorStub:
    url: str
    seen: dict[str, list[Seen]] = field(default_factory=dict)

    def base_url(self, vendor: str) -> str:
        return f"{self.url}/{vendor}"

    def last(self, vendor: str) -> Seen:
        return self.seen[vendor][-1]


def chat_model(vendor: str) -> str:
    return f"{vendor}-chat-1"


def embeddings_model(vendor: str) -> str:
    return f"{vendor}-embed-1"


def _openai(names: list[str]) -> Any:
    return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}


def _cohere(names: list[str]) -> Any:
    kinds = {"chat": "chat", "embed": "embed"}
    return {"models": [{"name": name, "endpoints": [kinds[name.split("-")[-2]]]} for name in names]}


def _cloudflare(names: list[str]) -> Any:
    tasks = {"chat": "Text Generation", "embed": "Text Embeddings"}
    rows = [
        {"id": str(at), "name": name, "task": {"name": tasks[name.split("-")[-2]]}} for at, name in enumerate(names)
    ]
    return {"success": True, "errors": [], "result": rows}


def _databricks(names: list[str]) -> Any:
    tasks = {"chat": "llm/v1/chat", "embed": "llm/v1/embeddings"}
    return {"endpoints": [{"name": name, "task": tasks[name.split("-")[-2]]} for name in names]}


def _github(names: list[str]) -> Any:
    return [{"id": name, "name": name.title(), "limits": {"max_input_tokens": 1000}} for name in names]


def _elevenlabs(names: list[str]) -> Any:
    return [{"model_id": name, "name": name.title(), "can_do_text_to_speech": True} for name in names]


_LISTS: dict[str, Callable[[list[str]], Any]] = {
    "cohere": _cohere,
    "cloudflare": _cloudflare,
    "databricks": _databricks,
    "github_models": _github,
    "elevenlabs": _elevenlabs,
}


def _answer(vendor: str, path: str, body: Any) -> Any:
    facts = VENDORS[vendor]
    if path == facts.models_path or path.startswith(f"{facts.models_path}?"):
        names = [chat_model(vendor), embeddings_model(vendor)]
        return _LISTS.get(vendor, _openai)(names)
    if path == facts.credential_path:
        return {"username": "somebody"}
    if path.endswith("/chat/completions"):
        choice = {"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        return {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }
    if path.endswith("/embeddings"):
        row = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
        return {"object": "list", "data": [row], "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3}}
    if path.endswith("/messages"):
        return {
            "id": "m1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": SAID}], "usage": {"input_tokens": 7, "output_tokens": 5},
        }  # fmt: skip
    return None


def _handler(stub: VendorStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            vendor, _, rest = self.path.lstrip("/").partition("/")
            length = int(self.headers.get("content-length") or 0)
            data = self.rfile.read(length)
            body = json.loads(data) if data else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            stub.seen.setdefault(vendor, []).append(Seen(self.command, f"/{rest}", headers, body))
            answer = _answer(vendor, f"/{rest}", body) if vendor in VENDORS else None
            raw = json.dumps({"error": f"nothing at {self.path}"} if answer is None else answer).encode()
            self.send_response(404 if answer is None else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, *_: Any) -> None:
            """Silent."""

    return Handler


@contextmanager
def vendor_stub() -> Iterator[VendorStub]:
    stub = VendorStub("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stub))
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
