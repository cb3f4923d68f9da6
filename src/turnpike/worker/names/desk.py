"""Who asks about names, and the one thread that answers: a model works on one text at a time."""

import asyncio
import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from turnpike.contract.names import AskNames, Name, NamesFound, NamesUnpacker, pack_names
from turnpike.errors import ConfigurationError
from turnpike.kit.logs import Log
from turnpike.worker.names.finder import Finder

_READ_BYTES = 256 * 1024
_WAITING_AT_MOST = 1_000
"""Questions; whoever comes then is told at once that there will be no answer."""


class NamesDesk:
    def __init__(self, models: Mapping[str, str], log: Log) -> None:
        self._models = models
        self._log = log
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="names")
        self._finder: asyncio.Future[Finder] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Begins to load the models."""
        self._finder = asyncio.get_running_loop().run_in_executor(self._thread, Finder, self._models)
        self._finder.add_done_callback(self._loaded)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _loaded(self, made: "asyncio.Future[Finder]") -> None:
        if made.cancelled():
            return
        error = made.exception()
        if error is not None:
            self._log.error("names cannot be found", reason=str(error))
        else:
            self._log.info("models of names loaded", models=", ".join(self._models.values()))

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One relay, until it leaves."""
        unpacker = NamesUnpacker(AskNames)
        try:
            while data := await reader.read(_READ_BYTES):
                for question in unpacker.feed(data):
                    self._take(question, writer)
                await writer.drain()
        except (OSError, ValueError, msgspec.DecodeError) as error:
            self._log.warning("a relay's questions end", error=type(error).__name__)
        finally:
            writer.close()

    def _take(self, question: AskNames, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= _WAITING_AT_MOST:
            _tell(writer, NamesFound(question.id, problem="too many questions wait"))
            return
        task = asyncio.create_task(self._answer(question, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, question: AskNames, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + question.within_s
        assert self._finder is not None
        try:
            finder = await asyncio.shield(self._finder)
        except ConfigurationError as error:
            _tell(writer, NamesFound(question.id, problem=error.message))
            return
        found: list[tuple[Name, ...]] = []
        for text in question.texts:
            if loop.time() > until or writer.is_closing():
                return  # nobody waits for it any more
            found.append(await loop.run_in_executor(self._thread, finder.find, text))
        _tell(writer, NamesFound(question.id, tuple(found)))


def _tell(writer: asyncio.StreamWriter, answer: NamesFound) -> None:
    with contextlib.suppress(OSError):
        if not writer.is_closing():
            writer.write(pack_names(answer))
