import socket
from pathlib import Path

import pytest

from turnpike.errors import ConfigurationError
from turnpike.supervisor.cores import available_cores
from turnpike.supervisor.sockets import Listeners, PortTaken


def connect(host: str, port: int) -> None:
    socket.create_connection((host, port), timeout=2).close()


def test_port_0_is_one_port_for_all_relays():
    listeners = Listeners("127.0.0.1", 0, 3)
    assert listeners.port > 0
    assert {one.getsockname()[1] for one in listeners.sockets} == {listeners.port}
    assert len(listeners.sockets) == 3
    connect("127.0.0.1", listeners.port)
    listeners.close()
    with pytest.raises(OSError, match="refused"):
        connect("127.0.0.1", listeners.port)


def test_ipv6_is_listened_on():
    listeners = Listeners("::1", 0, 1)
    connect("::1", listeners.port)
    listeners.close()


def test_the_ipv6_wildcard_takes_ipv4_as_well():
    listeners = Listeners("::", 0, 1)
    connect("127.0.0.1", listeners.port)
    listeners.close()


def test_a_port_in_use_is_named_with_the_way_to_another():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} .* in use.*--port") as caught:
            Listeners("127.0.0.1", port, 2)
    assert isinstance(caught.value, ConfigurationError)


def test_a_second_server_does_not_share_the_port_of_the_first():
    first = Listeners("127.0.0.1", 0, 1)
    with pytest.raises(PortTaken):
        Listeners("127.0.0.1", first.port, 1)
    first.close()


def test_a_host_that_is_no_address_is_refused():
    with pytest.raises(ConfigurationError, match=r"'no\.such\.host\.invalid' is no address"):
        Listeners("no.such.host.invalid", 0, 1)


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1 is not an address of this machine"):
        Listeners("192.0.2.1", 0, 1)


@pytest.mark.parametrize(("text", "cores"), [("150000 100000", 2), ("10000 100000", 1), ("max 100000", None)])
def test_a_containers_limit_counts_as_cores(tmp_path: Path, text: str, cores: int | None):
    limit = tmp_path / "cpu.max"
    limit.write_text(text)
    everything = available_cores(tmp_path / "none")
    assert available_cores(limit) == min(everything, cores or everything)
