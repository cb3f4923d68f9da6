"""A provider that repeats the caller's credential wherever it can: in every field of an error, in pages, headers,
streams and lists. Some do, in part, when a key is wrong."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODELS = ("echo-json", "echo-fields", "echo-page", "echo-plain", "echo-event", "echo-header", "echo-string")
"""Ask for one of these; the name says where the credential is repeated."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._json(401, {"error": {"message": f"wrong key {self._key()}", "code": self._key()}})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        model, key = json.loads(body)["model"], self._key()
        match model:
            case "echo-json":
                self._json(401, {"error": {"message": f"Incorrect API key provided: {key}.", "type": "auth"}})
            case "echo-fields":
                self._json(400, {"error": {"message": "no", "type": key, "param": key, "code": key, key: key}})
            case "echo-string":
                self._json(403, {"error": f"not with {key}"})
            case "echo-page":
                self._send(502, "text/html", f"<html><h1>{key}</h1></html>")
            case "echo-plain":
                self._send(500, "text/plain", key)
            case "echo-event":
                event = json.dumps({"error": {"message": f"overloaded {key}", "type": key, "code": key}})
                self._send(200, "text/event-stream", f'data: {{"choices":[]}}\n\ndata: {event}\n\n')
            case _:
                self._send(200, f"application/json; key={key}", "{}")

    def _key(self) -> str:
        return self.headers["authorization"].removeprefix("Bearer ")

    def _json(self, status: int, content: object) -> None:
        self._send(status, "application/json", json.dumps(content))

    def _send(self, status: int, media_type: str, text: str) -> None:
        self.send_response(status, self._key())
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(text.encode())))
        self.send_header("x-request-id", self._key())
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the overridden method's name
        pass


@contextmanager
def echoing_upstream() -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
