"""The simulator's ASGI application: receives a request, writes it into the call log, finds its operation, answers.

It knows no dialect: those are in `turnpike.simulator.dialects`. Beside the call log and the counters of `fail=N` it
keeps what callers store: `turnpike.simulator.storage`.
"""

import asyncio
import hashlib
from typing import Any
from urllib.parse import parse_qs

import msgspec

from turnpike.simulator import realtime
from turnpike.simulator.calls import CallLog, CallRecord
from turnpike.simulator.dialects import OPERATIONS as CALLS
from turnpike.simulator.dialects.models import vendor as vendor_by_headers
from turnpike.simulator.exchange import Answer, Call, Operation, Refused, Vendor, json_answer
from turnpike.simulator.faults import NONE, FailureCounter, FaultError, Faults, of_model, parse
from turnpike.simulator.forms import read_form
from turnpike.simulator.naming import model_of
from turnpike.simulator.performance import Broken, Exchange, Message, Receive, Send, perform
from turnpike.simulator.storage import OPERATIONS as STORAGE
from turnpike.simulator.storage.stored import remember
from turnpike.simulator.store import Store
from turnpike.simulator.troubles import refusal_of

OPERATIONS = (*CALLS, *STORAGE)
MAX_BODY_BYTES = 512 * 1024 * 1024
FAULT_HEADER = "x-sim-fault"

_decode = msgspec.json.Decoder().decode


class _BodyTooLarge(Exception):
    pass


class _ClientLeft(Exception):
    pass


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientLeft
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            raise _BodyTooLarge
        if not message.get("more_body"):
            return b"".join(parts)


def _object(body: bytes) -> dict[str, Any] | None:
    """The body as a JSON object; None when it is none."""
    try:
        data = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


class Simulator:
    """An ASGI application. `api_key`: what callers must send; None accepts anything."""

    def __init__(self, api_key: str | None, log: CallLog) -> None:
        self._api_key = api_key
        self._log = log
        self._failures = FailureCounter()
        self._store = Store()
        self._exact = {(one.method, one.path): one for one in OPERATIONS if not one.path.endswith("/*")}
        below = [(one.method, one.path[:-1], one) for one in OPERATIONS if one.path.endswith("/*")]
        self._below = sorted(below, key=lambda row: -len(row[1]))
        """The longest first: `/v1/messages/batches/*` before what stands above it."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await realtime.serve(scope, receive, send, self._api_key, self._log)
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, receive, send)
        path: str = scope["path"]
        if path == "/health" or path.startswith("/_sim/"):
            await perform(self._own(scope["method"], path, scope["query_string"].decode()), NONE, exchange, b"")
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            body = await _read_body(receive)
        except _ClientLeft:
            return
        except _BodyTooLarge:
            refused = Refused(f"The body is larger than {MAX_BODY_BYTES} bytes.", status=413)
            await perform(vendor_by_headers(headers).error(refused, 0), Faults(close=True), exchange, b"")
            return
        await self._serve(scope, headers, body, exchange)

    async def _serve(self, scope: Message, headers: dict[str, str], body: bytes, exchange: Exchange) -> None:
        form = read_form(headers.get("content-type", ""), body)
        data, files = form if form is not None else (_object(body), [])
        model = model_of(scope["path"], headers, body, data)
        specification = headers.get(FAULT_HEADER) or (of_model(model) if model else None)
        record = self._log.add(
            method=scope["method"],
            path=scope["path"],
            headers=headers,
            body=body,
            model=model,
            stream=bool(data and data.get("stream") in (True, "true")) or ":stream" in scope["path"],
            fault=specification,
        )
        query = scope["query_string"].decode("latin-1")
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        call = Call(
            record.number,
            record.method,
            record.path,
            "",
            query,
            headers,
            body,
            data,
            NONE,
            files,
            raw_path.decode("latin-1"),
            self._store,
        )
        answer, error_event = self._answer(call, specification)
        record.status = answer.status
        await self._perform(answer, call.faults, exchange, error_event, record)

    async def _perform(
        self, answer: Answer, faults: Faults, exchange: Exchange, error_event: bytes, record: CallRecord
    ) -> None:
        delay_s = faults.latency_s + _jitter(record.number) * faults.jitter_s
        if delay_s:
            await asyncio.sleep(delay_s)
        try:
            await perform(answer, faults, exchange, error_event)
        except Broken:
            record.ended = "faulted"
        else:
            record.ended = "client_left" if exchange.client_left and not faults.close else "complete"

    # ---- finding the answer

    def _find(self, call: Call) -> Operation | None:
        """The operation at this method and path; sets what a pattern left open."""
        operation = self._exact.get((call.method, call.path))
        if operation is not None:
            return operation
        for method, prefix, candidate in self._below:
            if call.method == method and call.path.startswith(prefix):
                call.rest = call.path[len(prefix) :]
                return candidate
        return None

    def _answer(self, call: Call, specification: str | None) -> tuple[Answer, bytes]:
        """The answer and the vendor's error event, in case that a fault wants it in the middle."""
        operation = self._find(call)
        vendor = operation.vendor(call.headers) if operation else vendor_by_headers(call.headers)
        try:
            if self._api_key is not None and not vendor.is_authorized(call.headers, self._api_key):
                raise vendor.unauthorized()
            if specification:
                call.faults = self._failures.in_force(parse(specification), specification)
            if operation is None:
                raise self._no_operation(call)
            answer = self._faulted_status(call, vendor)
            if answer is None:
                if call.method == "POST" and call.data is None and operation.needs_json and not operation.form:
                    raise vendor.not_json()
                answer = operation.answer(call)
                remember(call, answer)
        except FaultError as error:
            answer = vendor.error(Refused(f"The simulator cannot read this fault: {error}"), call.number)
        except Refused as refused:
            answer = vendor.error(refused, call.number)
        refused = _asked_for(call.faults, vendor) or _simulated(529)
        return answer, vendor.error_event(refused, call.number)

    def _faulted_status(self, call: Call, vendor: Vendor) -> Answer | None:
        refused = _asked_for(call.faults, vendor)
        if refused is None or call.faults.error_event is not None:
            return None
        answer = vendor.error(refused, call.number)
        if call.faults.retry_after is not None:
            answer.headers.append((b"retry-after", call.faults.retry_after.encode()))
        if refused.status < 400:
            answer.headers.append((b"location", b"/health"))
        return answer

    def _no_operation(self, call: Call) -> Refused:
        allowed = sorted({one.method for one in OPERATIONS if one.path == call.path})
        if allowed:
            return Refused(f"Not allowed: {call.method} {call.path}; use {', '.join(allowed)}.", status=405)
        return Refused(f"Invalid URL ({call.method} {call.path})", status=404)

    # ---- the simulator's own paths

    def _own(self, method: str, path: str, query: str) -> Answer:
        if path == "/health" and method in {"GET", "HEAD"}:
            return json_answer({"status": "healthy", "simulator": True}, [])
        if path == "/_sim/calls" and method == "GET":
            given = {name: values[-1] for name, values in parse_qs(query).items()}
            last = int(given["last"]) if given.get("last", "").isdecimal() else None
            bodies = given.get("bodies", "") in {"1", "true"}
            return json_answer({"calls": self._log.as_json(bodies=bodies, last=last)}, [])
        if path == "/_sim/calls" and method == "DELETE":
            self._log.clear()
            self._failures.clear()
            return json_answer({"cleared": True}, [])
        return json_answer({"error": f"The simulator has no {method} {path}"}, [], 404)


def _asked_for(faults: Faults, vendor: Vendor) -> Refused | None:
    """The refusal among the faults: a class of error in the vendor's own words, or a bare status."""
    if faults.error is not None:
        return refusal_of(vendor, faults.error)
    return None if faults.status is None else _simulated(faults.status)


def _simulated(status: int) -> Refused:
    return Refused(f"The simulator was asked to fail with status {status}.", status=status)


def _jitter(number: int) -> float:
    """From 0 to 1, the same for the same call number."""
    return hashlib.blake2b(number.to_bytes(8, "big"), digest_size=1).digest()[0] / 255
