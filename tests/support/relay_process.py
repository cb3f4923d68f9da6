"""A relay as the supervisor starts it, in front of providers that a test makes up, with a stand-in for control."""

import asyncio
import itertools
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.support.fake_control import PEPPER, FakeControl
from tests.support.http import CHAT, Answer, Caller, caller_at
from tests.support.upstream import Upstream
from turnpike.contract import CONTRACT_VERSION
from turnpike.contract.events import GuardRecord, OpenRecord, Record, UsageEvent
from turnpike.contract.grants import KeyGrant
from turnpike.contract.journal import Scan, read_frames, segments_of
from turnpike.contract.metrics import Sample
from turnpike.contract.processes import READY_LINE
from turnpike.contract.refusals import RefusalRecord
from turnpike.contract.relay_settings import RelaySettings
from turnpike.contract.scopes import DEFAULT_SCOPES, to_bits
from turnpike.contract.snapshot import (
    AuthSpec,
    CredentialSpec,
    ModelSpec,
    OperationSpec,
    Policies,
    ProviderSpec,
    Snapshot,
)
from turnpike.wire.prices import Rates
from turnpike.wire.types.usage import Usage

SECRET = "sk-upstream-secret-7777"
KEY = "tp-the-usual-test-key"
INPUT_NANOUSD, OUTPUT_NANOUSD = 1000, 2000
"""A token, by the rates of every model that has a price."""
RATES = Rates(input=INPUT_NANOUSD * 1000, output=OUTPUT_NANOUSD * 1000)
OPERATIONS: dict[str, dict[str, tuple[OperationSpec, ...]]] = {
    "openai_chat": {"chat": (OperationSpec("openai_chat", "/chat/completions"),)},
    "anthropic_messages": {
        "chat": (OperationSpec("anthropic_messages", "/messages"),),
        "count_tokens": (OperationSpec("anthropic_count_tokens", "/messages/count_tokens"),),
    },
    "openai_embeddings": {"embeddings": (OperationSpec("openai_embeddings", "/embeddings"),)},
    "openai_media": {
        "speech": (OperationSpec("openai_speech", "/audio/speech"),),
        "transcription": (OperationSpec("openai_transcription", "/audio/transcriptions"),),
        "translation": (OperationSpec("openai_translation", "/audio/translations"),),
        "image_edit": (OperationSpec("openai_image_edit", "/images/edits"),),
        "image_variation": (OperationSpec("openai_image_variation", "/images/variations"),),
        "realtime": (OperationSpec("openai_realtime", "/realtime"),),
    },
    "own_media": {
        "speech": (OperationSpec("elevenlabs_speech", "/text-to-speech"),),
        "transcription": (OperationSpec("elevenlabs_transcription", "/speech-to-text"),),
        "image_generation": (OperationSpec("stability_images", "/generate/{model}"),),
    },
}
AUTH = {"anthropic_messages": AuthSpec("x-api-key", "")}
DEFAULTS: dict[str, Any] = {"drain_timeout_s": 3.0, "upstream_idle_s": 30.0, "journal_segment_bytes": 1 << 20}


def cost_nanousd(usage: Usage) -> int:
    return usage.input_tokens * INPUT_NANOUSD + usage.output_tokens * OUTPUT_NANOUSD


def records_in(folder: Path) -> list[Record]:
    """Everything in the journals of a folder, in the order of writing, of each incarnation."""
    found: list[Record] = []
    for incarnation in sorted(folder.iterdir()):
        for segment in segments_of(incarnation):
            scan = Scan()
            try:
                data = segment.read_bytes()
            except FileNotFoundError:
                continue  # one that was prepared, and given up for want of room before anything stood in it
            found += read_frames(data, scan)
            assert not scan.torn, segment
    return found


class RelayProcess:
    """One `python -m turnpike.relay`. It can be killed and started again on the same socket, as by the supervisor."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.journal_dir = folder / "journal"
        self.journal_dir.mkdir(exist_ok=True)
        self.log = folder / "relay.log"
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self.settings = RelaySettings(
            **{
                "relay": 0,
                "listen_fd": self._listener.fileno(),
                "public_url": f"http://127.0.0.1:{self.port}",
                "contract_socket": str(folder / "contract.sock"),
                "forward_socket": str(folder / "forward.sock"),
                "journal_dir": str(self.journal_dir),
                "own_ports": (self.port,),
                **DEFAULTS,
                **settings,
            }
        )
        self.process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def start(self, *, ready: bool = True) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "turnpike.relay",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                pass_fds=(self._listener.fileno(),),
            )
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(self.settings) + b"\n")
        if ready:
            await self.ready()

    async def ready(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            line = await self.process.stdout.readline()
        assert line.decode().strip() == READY_LINE, self.log.read_text()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def limit_files(self, size: int) -> None:
        """No file of the relay may grow beyond so many bytes, from now on: what a full disk is like."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def rss_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def eof(self) -> None:
        """What the relay sees when the supervisor is gone."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def ended(self, timeout_s: float = 10.0) -> int:
        """The exit code, once it has ended."""
        assert self.process is not None
        async with asyncio.timeout(timeout_s):
            code = await self.process.wait()
        self.process._transport.close()
        return code

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        if self.process is None or self.process.returncode is not None:
            return 0
        self.signal(signal.SIGTERM)
        try:
            return await self.ended()
        except TimeoutError:
            await self.kill()
            raise

    def close(self) -> None:
        self._listener.close()

    def records(self) -> list[Record]:
        return records_in(self.journal_dir)

    def faults(self) -> list[str]:
        """Lines of the log that say that something of ours is wrong."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if '"exception"' in line or "Traceback" in line or "Error" in line[:40]]


class Stage:
    """A relay, its control, and as many providers as a test wants."""

    _numbers = itertools.count(1)

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.relay = RelayProcess(folder, **settings)
        snapshot = Snapshot(CONTRACT_VERSION, 1, 1, PEPPER)
        self.control = FakeControl(folder / "contract.sock", snapshot)
        self.key(KEY)

    @property
    def port(self) -> int:
        return self.relay.port

    def caller(self) -> AbstractAsyncContextManager[Caller]:
        return caller_at(self.port)

    # ---- who may call

    def key(self, name: str | None = None, **facts: Any) -> str:
        """A key that control knows; `facts` of its grant."""
        number = next(self._numbers)
        key = name or f"tp-key-{number}"
        values: dict[str, Any] = {
            "key_id": f"key-{number}",
            "key_name": f"name-{number}",
            "user_id": f"user-{number}",
            "department_id": None,
            "role": "user",
            "scopes": to_bits(DEFAULT_SCOPES),
            "tier": "free",
            "models": (),
            "networks": (),
            "expires_at_ms": 0,
        }
        self.control.allow(key, KeyGrant(**{**values, **facts}))
        return key

    def grant_of(self, key: str) -> KeyGrant:
        return self.control.grants[self.control.digest(key)]

    # ---- what may be called

    async def model(
        self,
        *upstreams: Upstream | str,
        dialect: str = "openai_chat",
        name: str | None = None,
        provider: dict[str, Any] | None = None,
        **facts: Any,
    ) -> str:
        """A new model with a deployment at each upstream (or base URL); `facts` of its rows."""
        number = next(self._numbers)
        name = name or f"model-{number}"
        providers: list[ProviderSpec] = []
        models: list[ModelSpec] = []
        for place, upstream in enumerate(upstreams):
            url = upstream if isinstance(upstream, str) else upstream.url
            spec = self._provider(f"provider-{number}-{place}", url, dialect, provider or {})
            providers.append(spec)
            row: dict[str, Any] = {
                "id": f"deployment-{number}-{place}",
                "provider_id": spec.id,
                "name": name,
                "upstream_model": "upstream-model",
                "capabilities": ("chat",),
                "operations": tuple(OPERATIONS[dialect]),
                "rates": RATES,
                "price_source": "test",
            }
            models.append(ModelSpec(**{**row, **facts}))
        snapshot = self.control.snapshot
        await self.change(providers=(*snapshot.providers, *providers), models=(*snapshot.models, *models))
        return name

    @staticmethod
    def _provider(slug: str, url: str, dialect: str, facts: dict[str, Any]) -> ProviderSpec:
        values: dict[str, Any] = {
            "id": slug,
            "slug": slug,
            "name": slug,
            "vendor": "test",
            "base_url": url,
            "operations": OPERATIONS[dialect],
            "auth": AUTH.get(dialect, AuthSpec()),
            "headers": {},
            "credentials": (CredentialSpec(f"credential-of-{slug}", SECRET),),
            "needs_credential": True,
            "allow_addresses": ("127.0.0.0/8",),
            "proxy": None,
            "shared_for_users": True,
            "shared_for_normal_admins": True,
        }
        return ProviderSpec(**{**values, **facts})

    async def change(self, **facts: Any) -> None:
        """Pushes a changed snapshot and waits until it is in force."""
        snapshot = self.control.snapshot
        self.control.push(msgspec.structs.replace(snapshot, version=snapshot.version + 1, **facts))
        await self.control.settle()

    async def policies(self, **facts: Any) -> None:
        await self.change(policies=Policies(**facts))

    # ---- what was written down

    def opens(self, request_id: str | None = None) -> list[OpenRecord]:
        records = [each for each in self.relay.records() if isinstance(each, OpenRecord)]
        return [each for each in records if request_id in {None, each.request_id}]

    def settles(self, request_id: str | None = None) -> list[UsageEvent]:
        records = [each for each in self.relay.records() if isinstance(each, UsageEvent)]
        return [each for each in records if request_id in {None, each.request_id}]

    def settled(self, answer: Answer) -> UsageEvent:
        """The one settle record of an answer: it is there when the answer is."""
        (event,) = self.settles(answer.headers["x-request-id"])
        return event

    async def will_settle(self, request_id: str, timeout_s: float = 5.0) -> UsageEvent:
        """The settle record of a call that has no answer to wait for."""
        async with asyncio.timeout(timeout_s):
            while not (events := self.settles(request_id)):
                await asyncio.sleep(0.01)
        (event,) = events
        return event

    # ---- asking

    async def ask(self, path: str = CHAT, body: Any = None, *, key: str | None = KEY, **more: Any) -> Answer:
        """One request on a connection of its own."""
        async with self.caller() as caller:
            return await caller.ask(path, body, key=key, **more)

    async def chat(self, model: str, *, key: str | None = KEY, **more: Any) -> Answer:
        return await self.ask(CHAT, chat_body(model), key=key, **more)

    async def sample(self, name: str, *labels: str) -> float:
        return value_of(await self.control.counters(), name, *labels)


def chat_body(model: str, text: str = "Say hello.", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


def messages_body(model: str, text: str = "Say hello.", **fields: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": text}], **fields}


def value_of(samples: tuple[Sample, ...], name: str, *labels: str) -> float:
    """0 for a series that is not there."""
    return sum(sample.value for sample in samples if sample.name == name and sample.labels == labels)


@asynccontextmanager
async def running_stage(folder: Path, **settings: Any) -> AsyncIterator[Stage]:
    """Starts control's stand-in and a relay; at the end the relay must stop cleanly, must not have met a bug of its
    own, and every attempt in its journal must be settled."""
    stage = Stage(folder, **settings)
    await stage.control.start()
    try:
        await stage.relay.start()
        yield stage
        code = await stage.relay.stop()
        assert code == 0, stage.relay.log.read_text()
        assert not stage.relay.faults(), "\n".join(stage.relay.faults())
        check_journal(stage.relay.records())
    finally:
        if stage.relay.process is not None and stage.relay.process.returncode is None:
            await stage.relay.kill()
        await stage.control.stop()
        stage.relay.close()


def check_journal(records: list[Record]) -> None:
    """Of a relay that ended in peace: one settle record a request, none before its opens, none missing."""
    opened: dict[bytes, int] = {}
    settled: set[bytes] = set()
    for record in records:
        if isinstance(record, GuardRecord | RefusalRecord):
            continue
        if isinstance(record, OpenRecord):
            assert record.event_id not in settled
            assert record.attempt == opened.get(record.event_id, 0) + 1
            opened[record.event_id] = record.attempt
        else:
            assert record.event_id not in settled, "settled twice"
            assert record.attempts == opened.get(record.event_id, 0)
            settled.add(record.event_id)
    assert set(opened) <= settled, "an attempt was never settled"
