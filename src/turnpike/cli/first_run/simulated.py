"""The simulator that a server without any provider starts for itself, as one more child."""

import socket

from turnpike.cli.client import Control
from turnpike.cli.first_run.memory import Memory, OwnSimulator, recall, remember
from turnpike.cli.registration import PROVIDERS, NewModel, NewProvider, register
from turnpike.settings import Settings
from turnpike.supervisor.programs import simulator_spec
from turnpike.supervisor.server import Server

LOOPBACK = "127.0.0.1"
CHILD = "simulator"
MODELS = (
    NewModel("simulator", ("chat",), free=True),
    NewModel("simulator-large", ("chat",), free=True),
    NewModel("simulator-embedding", ("embeddings",), free=True),
)
"""What it lists (turnpike.simulator), with what each can do: its own list does not say."""


def start_again(server: Server) -> int | None:
    """Starts the simulator of an earlier start beside the other programs. Returns its port, None when there is none."""
    known = recall(server.settings).simulator
    if known is None or server.settings.is_production:
        return None
    port = known.port if _is_free(known.port) else _free_port()
    server.add(simulator_spec(server.programs, port))
    return port


async def keep_registered(server: Server, control: Control, memory: Memory, port: int) -> Memory:
    """Makes registration and child agree: another port is told to control; a provider that was deleted or switched
    off needs no simulator."""
    assert memory.simulator is not None
    rows = await control.rows(PROVIDERS)
    found = next((row for row in rows if row["id"] == memory.simulator.provider_id), None)
    if found is None or not found.get("is_active", True):
        await server.remove(CHILD)
        memory = Memory(memory.declined, None if found is None else memory.simulator)
    else:
        if found.get("api_base_url") != base_url(port):
            await control.patch(f"{PROVIDERS}/{found['id']}", {"api_base_url": base_url(port)})
            server.log.info("simulator moved", port=port)
        memory = Memory(memory.declined, OwnSimulator(memory.simulator.provider_id, port))
    remember(server.settings, memory)
    return memory


async def start_first(server: Server, control: Control, memory: Memory) -> Memory:
    """Starts a simulator and registers it, by a name that says what it is."""
    port = _free_port()
    child = server.add(simulator_spec(server.programs, port))
    await child.wait_ready()
    wish = NewProvider(
        vendor="simulator",
        name="Simulator (built in)",
        slug="simulator",
        base_url=base_url(port),
        allow_addresses=(f"{LOOPBACK}/32",),
        models=MODELS,
        listed=None,
    )
    done = await register(control, wish)
    memory = Memory(memory.declined, OwnSimulator(done.provider["id"], port))
    remember(server.settings, memory)
    server.log.info("no provider yet: a simulator answers", port=port, models=len(MODELS))
    return memory


def base_url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}/v1"


def is_own(row: dict[str, object], settings: Settings) -> bool:
    """Whether a provider is the simulator that this server runs for itself."""
    own = recall(settings).simulator
    return own is not None and row.get("id") == own.provider_id


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as probe:
        return probe.getsockname()[1]


def _is_free(port: int) -> bool:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True
