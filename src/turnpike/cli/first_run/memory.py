"""What earlier starts decided, so that they are not asked again: a small file in the data folder, without secrets."""

from pathlib import Path

import msgspec

from turnpike.kit.files import write_private
from turnpike.settings import Settings


class OwnSimulator(msgspec.Struct):
    """The simulator that this server started and registered."""

    provider_id: str
    port: int


class Memory(msgspec.Struct):
    declined: list[str] = []
    """Ids of offers that a person said no to."""
    simulator: OwnSimulator | None = None


def _file(settings: Settings) -> Path:
    return settings.data_dir.resolve() / "first-run.json"


def recall(settings: Settings) -> Memory:
    try:
        return msgspec.json.decode(_file(settings).read_bytes(), type=Memory)
    except (OSError, msgspec.DecodeError):
        return Memory()  # none yet, or none that can be read: then things are asked once more


def remember(settings: Settings, memory: Memory) -> None:
    """Raises OSError."""
    write_private(_file(settings), msgspec.json.encode(memory).decode() + "\n")
