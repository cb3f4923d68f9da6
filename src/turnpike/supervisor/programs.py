"""Which programs a server consists of, and how each is started."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from turnpike.contract.worker_settings import WorkerSettings
from turnpike.settings import LogFormat, Settings
from turnpike.supervisor.child import ChildSpec
from turnpike.supervisor.early import CONTROL, PYTHON
from turnpike.supervisor.sockets import Listeners

_MARGIN_S = 3.0
"""A child keeps to its drain time by itself; it is killed only when it is this much over it."""


@dataclass(frozen=True)
class Programs:
    """The command lines, exchangeable for tests."""

    control: Sequence[str] = CONTROL
    drain: Sequence[str] = (*PYTHON, "-m", "turnpike.control.drain")
    relay: Sequence[str] = (*PYTHON, "-m", "turnpike.relay")
    worker: Sequence[str] = (*PYTHON, "-m", "turnpike.worker")
    simulator: Sequence[str] = (*PYTHON, "-m", "turnpike.simulator")


def control_spec(settings: Settings, programs: Programs, lock_fd: int) -> ChildSpec:
    """Control lets requests finish when it is told to stop."""
    return ChildSpec(
        name="control",
        argv=tuple(programs.control),
        settings_line=settings.to_child(),
        pass_fds=(lock_fd,),
        stop_timeout_s=max(settings.drain_timeout_s, 10.0) + _MARGIN_S,
    )


def drain_spec(settings: Settings, programs: Programs, lock_fd: int) -> ChildSpec:
    """The drain writes down what is in the journals when it is told to stop, which may take ten seconds."""
    return ChildSpec(
        name="drain",
        argv=tuple(programs.drain),
        settings_line=settings.to_child(),
        pass_fds=(lock_fd,),
        stop_timeout_s=10.0 + _MARGIN_S,
    )


def relay_specs(settings: Settings, programs: Programs, listeners: Listeners, lock_fd: int) -> list[ChildSpec]:
    specs: list[ChildSpec] = []
    for number, listener in enumerate(listeners.sockets):
        fd = listener.fileno()
        child_settings = settings.for_relay(
            relay=number, listen_fd=fd, port=listeners.port, own_ports=(listeners.port,)
        )
        spec = ChildSpec(
            name=f"relay-{number}",
            argv=tuple(programs.relay),
            settings_line=msgspec.json.encode(child_settings).decode(),
            pass_fds=(fd, lock_fd),
            stop_timeout_s=settings.drain_timeout_s + _MARGIN_S,
        )
        specs.append(spec)
    return specs


def worker_spec(settings: Settings, programs: Programs, names_fd: int, lock_fd: int) -> ChildSpec:
    told = WorkerSettings(
        names_fd=names_fd,
        names_models=settings.spacy_models,
        log_level=settings.log_level,
        log_format="json" if settings.log_format is LogFormat.AUTO else settings.log_format.value,
    )
    return ChildSpec(
        name="worker",
        argv=tuple(programs.worker),
        settings_line=msgspec.json.encode(told).decode(),
        pass_fds=(names_fd, lock_fd),
        stop_timeout_s=_MARGIN_S,
    )


def simulator_spec(programs: Programs, port: int) -> ChildSpec:
    """On loopback. It takes no settings, but ends with its parent as every child does."""
    argv = (*programs.simulator, "--port", str(port), "--with-parent")
    return ChildSpec(name="simulator", argv=argv, stop_timeout_s=3.0)
