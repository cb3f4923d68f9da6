"""Puts a relay together, serves until told to stop, and drains.

Started by the supervisor as `python -m turnpike.relay` (contract/processes.py): settings come in on standard input,
which stays open as long as the supervisor lives.
"""

import asyncio
import gc
import signal
import socket
import ssl
import sys

import msgspec
import uvloop

from turnpike.contract.processes import READY_LINE
from turnpike.contract.relay_settings import RelaySettings, TlsFiles
from turnpike.kit.ids import IdSource
from turnpike.kit.logs import Log, open_log
from turnpike.kit.parent import watch_parent
from turnpike.relay.core import Relay
from turnpike.relay.link import Link
from turnpike.relay.protocol import ClientConnection

_SWEEP_S = 0.1
_GIVE_BACK_S = 0.5
"""How long an ending relay waits until what it had of limits is counted as given back."""


def main() -> None:
    """Process entry. Exits 2 when the settings cannot be read."""
    line = sys.stdin.buffer.readline()
    try:
        settings = msgspec.json.decode(line, type=RelaySettings)
    except msgspec.DecodeError as error:
        sys.exit(f"turnpike relay: unreadable settings on standard input: {error}")
    log = open_log(f"relay-{settings.relay}", settings.log_level, settings.log_format)
    uvloop.run(serve(settings, log))


async def serve(settings: RelaySettings, log: Log) -> None:
    """Serves until SIGTERM, SIGINT or the end of standard input, then drains."""
    incarnation = IdSource().next_bytes()
    relay = Relay(settings, incarnation, log)
    link = relay.link = Link(relay, incarnation.hex())
    relay.owners.line = link
    relay.answers.shelf.line = link
    relay.limits.tell = link.ask_for_slices
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await watch_parent(stop)
    tasks = [
        asyncio.create_task(link.run()),
        asyncio.create_task(link.send_counters_for_ever()),
        asyncio.create_task(_sweep_for_ever(relay, link)),
    ]
    ready = asyncio.create_task(link.ready.wait())
    await asyncio.wait((ready, asyncio.create_task(stop.wait())), return_when=asyncio.FIRST_COMPLETED)
    if not stop.is_set():
        server = await _listen(relay, settings)
        _quieten_collector()
        sys.stdout.write(READY_LINE + "\n")
        sys.stdout.flush()
        log.info("serving", url=settings.public_url)
        await stop.wait()
        server.close()
        await _drain(relay)
    for task in (*tasks, ready):
        task.cancel()
    relay.pools.close()
    relay.forwarder.close()
    relay.strangers.flush()
    relay.journal.close()
    log.info("stopped")


async def _listen(relay: Relay, settings: RelaySettings) -> asyncio.Server:
    sock = socket.socket(fileno=settings.listen_fd)
    sock.setblocking(False)
    context = _server_context(settings.tls) if settings.tls is not None else None
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: ClientConnection(relay), sock=sock, ssl=context, backlog=4096)


def _server_context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.certificate, files.key)
    context.set_alpn_protocols(["http/1.1"])
    if files.client_ca is not None:
        context.load_verify_locations(files.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def _sweep_for_ever(relay: Relay, link: Link) -> None:
    while True:
        await asyncio.sleep(_SWEEP_S)
        relay.sweep()
        link.sweep()


async def _drain(relay: Relay) -> None:
    """Running calls get their time; what is left then is ended and settled."""
    relay.draining = True
    for connection in list(relay.connections):
        connection.wind_up()
    relay.forwarder.wind_up()
    for session in list(relay.sessions):
        session.wind_up()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + relay.settings.drain_timeout_s
    while relay.in_flight and loop.time() < deadline:  # noqa: ASYNC110 - a look in fifty milliseconds costs nothing
        await asyncio.sleep(0.02)
    for connection in list(relay.connections):
        connection.shut()
    for session in list(relay.sessions):
        session.shut()
    await asyncio.sleep(0)
    if relay.limits.give_all_back():
        deadline = loop.time() + _GIVE_BACK_S
        while not relay.limits.is_settled and loop.time() < deadline:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    relay.log.info("drained", ended=relay.in_flight)


def _quieten_collector() -> None:
    """What lives now lives for ever; and what comes later is freed by reference counts, hardly ever in cycles. A full
    collection under load costs more than any request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)
