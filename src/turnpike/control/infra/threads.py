"""A connection that one thread alone uses: blocking drivers never stop the event loop, and need no lock."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Closeable(Protocol):
    def close(self) -> object: ...


C = TypeVar("C", bound=Closeable)


class OneThread(ABC, Generic[C]):
    """Opens its connection when it is first used, and anew after it was dropped."""

    def __init__(self, name: str, errors: tuple[type[Exception], ...]) -> None:
        """`errors`: what the driver raises."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._errors = errors
        self._connection: C | None = None

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._drop)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[C], T]) -> T:
        """Raises what `_failed` makes of the driver's errors."""

        def guarded() -> T:
            try:
                if self._connection is None:
                    self._connection = self._open()
                return work(self._connection)
            except self._errors as error:
                raise self._failed(error) from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, guarded)

    # ---- on the thread

    @abstractmethod
    def _open(self) -> C: ...

    @abstractmethod
    def _failed(self, error: Exception) -> Exception: ...

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
